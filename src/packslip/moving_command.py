"""The command `packslip move`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from sqlalchemy import func, select

from packslip import db, setting_values
from packslip.app import create_app
from packslip.downloads.drain import drain
from packslip.errors import InvalidError, SettingsError
from packslip.moving import rows
from packslip.moving.files import Carried, carry_files
from packslip.notes.models import Note
from packslip.notes.word_index import index_note
from packslip.packages.models import Package
from packslip.packages.search_index import package_ids_after, reindex_packages
from packslip.storage.factory import open_storage
from packslip.storage.protocol import Storage
from packslip.upgrading import upgrade_schema
from packslip.web.context import current_settings, current_storage

#: Notes whose words are written at a time.
_NOTES = 500


@click.command("move", short_help="Carry everything to another database and storage.")
@click.option("--to-database", metavar="URL", help="As PACKSLIP_DATABASE_URL takes it.")
@click.option("--to-storage", metavar="URL", help="As PACKSLIP_STORAGE_URL takes it.")
@with_appcontext
def move_command(to_database: str | None, to_storage: str | None) -> None:
    """Carry rows to another database, and bytes to another storage, and compare both.

    Bytes can be carried while the index is served, again and again: what is there already is left
    alone. While rows are carried, nothing can be changed here, only read. The new database must be
    empty. Whatever was broken off is gone on with by the same command.

    Nothing here is changed or removed. Afterwards stop the server, run the command once more with
    both options, set the new addresses, and start it.

    Example: packslip move --to-storage 's3://packages?endpoint=https://objects.example.com'
    """
    if not to_database and not to_storage:
        raise click.UsageError("Name --to-database, --to-storage, or both.")
    console = Console(stderr=True)
    # Faults of either are told before anything is done.
    storage = _other_storage(to_storage) if to_storage else None
    target = _other_app(to_database) if to_database else None
    if storage is not None:
        _move_files(console, storage)
    if target is not None:
        _move_rows(console, target)
    _tell_what_to_set(to_database, to_storage)


def _other_storage(address: str) -> Storage:
    parsed = _parsed(setting_values.storage_url, "--to-storage", address)
    if parsed == current_settings().storage_url:
        raise InvalidError("The files are in that storage already.")
    storage = open_storage(parsed, staging=current_settings().staging_folder)
    storage.check()
    return storage


def _other_app(address: str) -> Flask:
    """An application on the new database, whose schema is the newest."""
    settings = current_settings()
    parsed = _parsed(setting_values.database_url, "--to-database", address)
    if parsed == settings.database_url:
        raise InvalidError("The rows are in that database already.")
    app = create_app({"PACKSLIP_DATA": settings.data, "PACKSLIP_DATABASE_URL": parsed})
    with app.app_context():
        upgrade_schema()
    return app


def _parsed(parse: setting_values.Parser, option: str, text: str) -> str:
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError([f"{option} must be {error}"]) from error


def _move_files(console: Console, target: Storage) -> None:
    source = current_storage()
    total = sum(1 for _ in source.keys())  # noqa: SIM118 - no mapping
    with _progress(console) as progress:
        task = progress.add_task("files", total=total)
        carried = carry_files(source, target, lambda stored: progress.advance(task))
    click.echo(f"Files: {_files_told(carried)}.")


def _files_told(carried: Carried) -> str:
    return (
        f"{carried.files} with {carried.size:,} bytes are in both storages, {carried.known} of them"
        " since before"
    )


def _move_rows(console: Console, target: Flask) -> None:
    drain(db.session(), current_settings().downloads_folder)
    db.session().close()
    with target.app_context():
        engine = db.db.engine
    rows.prepare(engine)
    with rows.closed_for_writing(db.db.engine) as source, _progress(console) as progress:
        total = rows.count_rows(source)
        carrying = progress.add_task("rows", total=total)
        for table in rows.carried_tables():
            rows.carry(source, engine, table, _advance(progress, carrying))
        comparing = progress.add_task("comparing", total=total)
        found = [
            rows.compare(source, engine, table, _advance(progress, comparing))
            for table in rows.carried_tables()
        ]
        with target.app_context():
            _write_search(progress)
        rows.finish(source, engine)
    number = sum(content.rows for content in found)
    click.echo(f"Rows: {number} of {len(found)} tables are the same in both databases.")


def _advance(progress: Progress, task: TaskID) -> rows.Advance:
    return lambda number: progress.advance(task, number)


def _write_search(progress: Progress) -> None:
    """Make the index of the search anew, which is of another kind in each database."""
    session = db.session()
    total = (session.scalar(select(func.count()).select_from(Package)) or 0) + (
        session.scalar(select(func.count()).select_from(Note)) or 0
    )
    session.rollback()
    task = progress.add_task("search", total=total)
    last = ""
    while package_ids := package_ids_after(session, last):
        with db.write_transaction(session):
            reindex_packages(session, package_ids)
        last = package_ids[-1]
        progress.advance(task, len(package_ids))
    for ids in _note_ids():
        with db.write_transaction(session):
            for note in session.scalars(select(Note).where(Note.id.in_(ids))):
                index_note(session, note)
        progress.advance(task, len(ids))
    session.close()


def _note_ids() -> Iterator[list[int]]:
    last = 0
    while True:
        query = select(Note.id).where(Note.id > last).order_by(Note.id).limit(_NOTES)
        ids = list(db.session().scalars(query))
        db.session().rollback()
        if not ids:
            return
        yield ids
        last = ids[-1]


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def _tell_what_to_set(to_database: str | None, to_storage: str | None) -> None:
    settings = {"PACKSLIP_DATABASE_URL": to_database, "PACKSLIP_STORAGE_URL": to_storage}
    named = " and ".join(name for name, address in settings.items() if address)
    click.echo(f"Now stop the server, set {named} to the new address, and start it again.")
    click.echo(f"The secret key stays in {current_app.instance_path}: other nodes need it too.")
