"""`packslip mirror forget`, `packslip mirror verify` and `packslip mirror claim`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.accounts.queries import get_user
from packslip.events.operations import Actor
from packslip.mirror.claiming import claim_name, discard_unnamed
from packslip.mirror.fetches import mirror_folder
from packslip.mirror.forgetting import forget
from packslip.mirror.verifying import Fault, count_kept, faults_of, list_kept
from packslip.packages.importing.progress import show_progress
from packslip.packages.queries import get_package
from packslip.simple_api.page import normalize_name
from packslip.terminal import NeedsTerminalError, is_interactive, print_json, print_table
from packslip.web.context import current_storage

_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("forget")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@_yes
@with_appcontext
def forget_command(names: Sequence[str], yes: bool) -> None:
    """Forget what came of the packages NAME… from upstream, and drop what is kept of them.

    Notes on them stay, on no package. They come again when somebody asks for them.
    """
    package_ids = [normalize_name(name) for name in names]
    _confirm(f"Forget what is mirrored of {', '.join(package_ids)}?", yes=yes)
    session = db.session()
    for package_id in package_ids:
        with db.write_transaction(session):
            keys = forget(session, Actor.command(), package_id)
        discard_unnamed(session, current_storage(), keys)
        click.echo(f"Forgot {package_id}.")


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--repair", is_flag=True, help="Drop what is wrong, so that it is fetched anew.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@with_appcontext
def verify_command(
    context: click.Context, names: Sequence[str], *, repair: bool, as_json: bool
) -> None:
    """Read all that is kept of mirrored packages, or of NAME…, and compare digests and sizes.

    Exit code 1: something was wrong, even if it is repaired.
    """
    session = db.session()
    packages = {get_package(session, name, without_texts=True).id for name in names}
    total, faults = count_kept(session, packages), []
    session.rollback()
    with show_progress(total) as progress:
        for kept in list_kept(session, packages):
            found = faults_of(session, current_storage(), mirror_folder(), kept, repair=repair)
            faults += list(found)
            progress.advance()
    if as_json:
        print_json({"files": total, "faults": [asdict(fault) for fault in faults]})
    else:
        print_table(("Package", "File", "Fault", "Repaired"), [_row(fault) for fault in faults])
        click.echo(f"{total} files, {len(faults)} faults", err=True)
    if faults:
        context.exit(1)


@click.command("claim")
@click.argument("name")
@click.option("--owner", required=True, metavar="USER", help="Who owns the package.")
@_yes
@with_appcontext
def claim_command(name: str, owner: str, yes: bool) -> None:
    """Make NAME that of a hosted package without releases, which nobody asks upstream for.

    What came of it from upstream is dropped; notes on it stay.
    """
    normalize_name(name)
    _confirm(f"Take the name {name} over from upstream? What came from there goes.", yes=yes)
    session = db.session()
    with db.write_transaction(session):
        package, keys = claim_name(session, Actor.command(), get_user(session, owner), name)
        done = f"{package.name} is hosted here and owned by {owner}."
    discard_unnamed(session, current_storage(), keys)
    click.echo(done)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not is_interactive():
        raise NeedsTerminalError("There is no terminal to ask for a confirmation: --yes.")
    click.confirm(question, abort=True)


def _row(fault: Fault) -> tuple[str, str, str, str]:
    return (fault.package, fault.filename, fault.fault, "yes" if fault.is_repaired else "")
