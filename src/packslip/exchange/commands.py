"""`packslip export`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
from flask.cli import with_appcontext
from packaging.utils import canonicalize_name
from sqlalchemy import select

from packslip import db
from packslip.errors import InvalidError
from packslip.exchange.documents import FORMAT, MARK, VERSION, Mark, write_document
from packslip.exchange.exporting import export_package
from packslip.packages.importing.progress import show_progress
from packslip.packages.models import Origin, Package
from packslip.packages.queries import get_package
from packslip.terminal import print_json
from packslip.web.context import current_storage


@click.command("export", short_help="Write packages out, with all that belongs to them.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@with_appcontext
def export_command(
    context: click.Context, folder: Path, names: tuple[str, ...], *, as_json: bool
) -> None:
    """Write hosted packages, all of them or NAME…, into FOLDER in an open layout.

    That is their files, who looks after them, the notes about them that the team sees, and their
    events. `packslip import FOLDER` takes it in elsewhere. Backups are made by `packslip backup`.

    Exit codes: 0 done, 1 failed, or files are not held here, 2 wrong usage.
    """
    session, storage = db.session(), current_storage()
    chosen = [_hosted(name) for name in names] or session.scalars(
        select(Package.id).where(Package.origin == Origin.HOSTED).order_by(Package.id)
    ).all()
    done = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with show_progress(len(chosen)) as progress:
            for package_id in chosen:
                package = session.get(Package, package_id)
                # Somebody may have removed it meanwhile.
                if package is not None:
                    done.append(export_package(session, storage, package, folder))
                session.rollback()
                session.expunge_all()
                progress.advance()
        mark = Mark(FORMAT, VERSION, f"packslip {version('packslip')}", datetime.now(UTC))
        write_document(folder / MARK, mark)
    except OSError as error:
        raise InvalidError(f"{folder} cannot be written: {error.strerror}.") from None
    left_out = [name for one in done for name in one.left_out]
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        for name in left_out:
            click.echo(f"left out, as its bytes are not here: {name}", err=True)
        files, notes = sum(one.files for one in done), sum(one.notes for one in done)
        click.echo(f"{len(done)} packages, {files} files, {notes} notes", err=True)
    context.exit(1 if left_out else 0)


def _hosted(name: str) -> str:
    package = get_package(db.session(), canonicalize_name(name))
    if package.origin != Origin.HOSTED:
        raise InvalidError(f"{package.id} is mirrored: `packslip mirror bundle` carries it.")
    return package.id
