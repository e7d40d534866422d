"""`packslip export`, and `packslip import` of what it wrote."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from packaging.utils import canonicalize_name
from sqlalchemy import select

from packslip import db
from packslip.accounts.queries import get_user
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.exchange.documents import FORMAT, MARK, VERSION, Mark, is_export, write_document
from packslip.exchange.exporting import export_package
from packslip.exchange.taking import Taken, Taker
from packslip.packages.importing.commands import import_command as import_folder
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


def _import(context: click.Context, **options: Any) -> None:
    folder: Path = options["folder"]
    user = options.pop("username")
    if not is_export(folder):
        if user is not None:
            raise click.UsageError("--user is for what `packslip export` wrote.")
        context.invoke(import_folder, **options)
        return
    if options["owner"] is not None or options["dry_run"]:
        raise click.UsageError("What `packslip export` wrote says who owns it, and is not tried.")
    _take_in(context, folder, user, options["as_json"])


@with_appcontext
def _take_in(context: click.Context, folder: Path, username: str | None, as_json: bool) -> None:
    session = db.session()
    user = None if username is None else get_user(session, username)
    taker = Taker(session, current_storage(), Actor.command(), user)
    paths = taker.packages(folder)
    done: list[Taken] = []
    with show_progress(len(paths)) as progress:
        for path in paths:
            taken = taker.take(path)
            done.append(taken)
            if not as_json:
                for problem in taken.problems:
                    progress.say(f"{taken.package}: {problem}")
            progress.advance()
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        added, present = sum(one.added for one in done), sum(one.present for one in done)
        notes = sum(one.notes for one in done)
        click.echo(
            f"{len(done)} packages, {added} files added, {present} here already, {notes} notes",
            err=True,
        )
    context.exit(1 if any(one.problems for one in done) else 0)


def _hosted(name: str) -> str:
    package = get_package(db.session(), canonicalize_name(name))
    if package.origin != Origin.HOSTED:
        raise InvalidError(f"{package.id} is mirrored: `packslip mirror bundle` carries it.")
    return package.id


import_command = click.Command(
    "import",
    callback=click.pass_context(_import),
    params=[
        *import_folder.params,
        click.Option(
            ["--user", "username"],
            metavar="USER",
            help="With whose rights notes of an export act; without it they do not.",
        ),
    ],
    short_help=import_folder.short_help,
    help=f"{import_folder.help}\n\nWhat `packslip export` wrote is taken in as it was: with upload "
    "times, people and notes.",
)
