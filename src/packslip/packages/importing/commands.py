"""The command `packslip import`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from flask.cli import with_appcontext

from packslip import db
from packslip.accounts.queries import get_user
from packslip.events.operations import Actor
from packslip.packages.importing.folder import Importer, find_files, import_file
from packslip.packages.importing.interrupts import INTERRUPTED, interrupts
from packslip.packages.importing.progress import show_progress
from packslip.packages.importing.report import Item, Outcome, Report
from packslip.packages.importing.values import line
from packslip.web.context import current_storage


@click.command("import", short_help="Take packages in from a folder.")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--owner",
    metavar="USER",
    help="Who owns the packages that this makes. Without it those made of distributions have no "
    "owner, and those made of documents the people whom the documents name.",
)
@click.option("--dry-run", is_flag=True, help="Check everything and store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per file.")
@click.pass_context
@with_appcontext
def import_command(
    context: click.Context, folder: Path, owner: str | None, dry_run: bool, as_json: bool
) -> None:
    """Take in what lies in FOLDER and below it, or one file.

    Wheels and source distributions (.whl, .tar.gz, .zip) are checked as uploads are and published;
    their upload time is that of the import.

    JSON documents, one per package and shaped as `/pypi/NAME/json`, fill packages, releases,
    licences, languages and people. Their files are known afterwards, and not held.

    All else is skipped, and each such file named. A second run finds everything already there.
    Ctrl-C ends the import after the file under way, a second Ctrl-C at once; what was imported
    until then stays.

    Exit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.
    """
    session = db.session()
    importer = Importer(
        session=session,
        storage=current_storage(),
        actor=Actor.command(),
        owner=None if owner is None else get_user(session, owner),
        dry_run=dry_run,
    )
    report, is_whole = _run(importer, find_files(folder), as_json)
    _print_summary(report, dry_run, is_whole, as_json)
    if not is_whole:
        click.echo("packslip: interrupted; the same command goes on from here", err=True)
        context.exit(INTERRUPTED)
    context.exit(1 if report.items[Outcome.FAILED] else 0)


def _run(importer: Importer, paths: list[Path], as_json: bool) -> tuple[Report, bool]:
    report = Report()
    with interrupts() as is_interrupted, show_progress(len(paths)) as progress:
        try:
            for path in paths:
                if is_interrupted():
                    return report, False
                item = import_file(importer, path)
                report.add(item)
                _print_item(item, as_json, progress.say)
                progress.advance()
        except KeyboardInterrupt:
            return report, False
    return report, True


def _print_item(item: Item, as_json: bool, say: Callable[[str], None]) -> None:
    if as_json:
        click.echo(msgspec.json.encode(item.data()))
        return
    for text in item.lines():
        # Names from a disk or a document may hold what a terminal would obey.
        say(line(text))


def _print_summary(report: Report, dry_run: bool, is_whole: bool, as_json: bool) -> None:
    if as_json:
        summary = {"dry_run": dry_run, "interrupted": not is_whole, **report.data()}
        click.echo(msgspec.json.encode({"summary": summary}))
        return
    if dry_run:
        click.echo("Nothing was stored. This is what would be done:")
    for text in report.lines():
        click.echo(line(text))
