"""The command `packslip fsck`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import click
import msgspec
from flask.cli import with_appcontext

from packslip import db
from packslip.events.operations import Actor
from packslip.fsck.examining import count_steps, examine
from packslip.fsck.findings import Kind, Outcome, Place
from packslip.packages.importing.progress import show_progress
from packslip.packages.importing.values import line
from packslip.web.context import current_settings, current_storage


@click.command("fsck", short_help="Look whether rows and bytes agree.")
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.option("--quick", is_flag=True, help="Compare sizes; do not read all bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per finding.")
@click.pass_context
@with_appcontext
def fsck_command(context: click.Context, repair: bool, quick: bool, as_json: bool) -> None:
    """Look for every disagreement of rows and bytes: missing, wrong, orphaned, half.

    It may be run while the index is served. Without --repair nothing is changed. With it, files
    whose bytes are missing or wrong are taken out of the index, or fetched again if they are
    mirrored; damaged bytes are set aside; bytes that nothing names are removed once they are an
    hour old. Each repair is an event.

    Exit codes: 0 all is well, or was mended; 1 something was found, or could not be mended; 2 wrong
    usage.
    """
    place = Place(
        session=db.session(),
        storage=current_storage(),
        settings=current_settings(),
        actor=Actor.command(),
        quick=quick,
    )
    outcomes = []
    with show_progress(count_steps(place)) as progress:
        for outcome in examine(place, repair=repair, advance=progress.advance):
            outcomes.append(outcome)
            _print(outcome, as_json, progress.say)
    _print_summary(outcomes, repair, as_json)
    context.exit(0 if all(one.is_mended for one in outcomes) else 1)


def _print(outcome: Outcome, as_json: bool, say: Callable[[str], None]) -> None:
    if as_json:
        click.echo(msgspec.json.encode(outcome.data()))
    else:
        say(line(outcome.line()))


def _print_summary(outcomes: list[Outcome], repair: bool, as_json: bool) -> None:
    found = Counter(one.finding.kind for one in outcomes)
    mended = sum(one.is_mended for one in outcomes)
    if as_json:
        counts = {kind: found[kind] for kind in Kind}
        summary = {"repair": repair, "found": counts, "mended": mended}
        click.echo(msgspec.json.encode({"summary": summary}))
        return
    if not outcomes:
        click.echo("Rows and bytes agree.")
        return
    told = ", ".join(f"{number} {kind}" for kind, number in found.most_common())
    click.echo(f"Found: {told}.")
    if repair:
        click.echo(f"Mended: {mended} of {len(outcomes)}.")
    else:
        click.echo("Nothing was changed; packslip fsck --repair mends what can be mended.")
