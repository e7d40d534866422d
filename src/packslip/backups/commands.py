"""`packslip backup` and `packslip restore`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.backups.archives import new_archive, open_archive
from packslip.backups.making import BackupMaker, Made, working_folder
from packslip.backups.places import Source, Target, read_snapshot, snapshots
from packslip.backups.pruning import prune
from packslip.backups.restoring import Restored, Restorer, check_snapshot
from packslip.backups.stored import BucketPlace, FolderPlace, StoredPlace
from packslip.config_file import instance_config
from packslip.downloads.drain import drain
from packslip.errors import NotFoundError
from packslip.migrating import newest_revision
from packslip.packages.importing.interrupts import INTERRUPTED
from packslip.packages.importing.progress import show_progress
from packslip.settings import load_settings
from packslip.storage.factory import open_storage
from packslip.terminal import print_json, print_table
from packslip.web.context import current_settings, current_storage

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_snapshot = click.option("--snapshot", "name", metavar="NAME", help="Not the newest, but this one.")


@click.command("backup", short_help="Copy everything to a file or folder.")
@click.argument("target", metavar="FILE|FOLDER/|s3://…")
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Remove all but N snapshots.")
@_json
@click.pass_context
@with_appcontext
def backup_command(context: click.Context, target: str, keep: int | None, *, as_json: bool) -> None:
    """Copy database, files and secret key to the archive FILE, or add them to FOLDER/.

    The index may be in use. A folder takes any number of snapshots, and of each later one only the
    files that it does not have; so does a bucket, s3://bucket/prefix. What ends in a slash, or is a
    folder already, is a folder.

    Exit codes: 0 done, 1 failed, or files are missing or damaged here, 2 wrong usage, 130
    interrupted.
    """
    settings = current_settings()
    stored = _stored(target, settings.staging_folder)
    if keep is not None and stored is None:
        raise click.UsageError("--keep is for folders and buckets: an archive has one snapshot.")
    drain(db.session(), settings.downloads_folder)
    db.session().close()
    with (
        _told_when_interrupted("there is no new backup"),
        working_folder(settings.data) as work,
        _target(target, stored) as place,
    ):
        maker = BackupMaker(db.db.engine, current_storage(), settings, place)
        made = maker.make(work, f"packslip {version('packslip')}", show_progress)
        # What is damaged here may be whole in older ones.
        is_whole = not made.damaged
        removed = prune(stored, keep) if stored is not None and keep and is_whole else []
    if as_json:
        print_json({**asdict(made), "removed": removed})
    else:
        _tell(made, removed)
    context.exit(1 if made.damaged else 0)


@click.command("restore", short_help="Bring a backup back into an empty place.")
@click.argument("source", metavar="FILE|FOLDER|s3://…")
@_snapshot
@click.option("--list", "list_", is_flag=True, help="Only list the snapshots in it.")
@click.option("--check", is_flag=True, help="Only read all of it and compare digests.")
@click.option("--despite-damage", is_flag=True, help="Leave out what is missing in it or wrong.")
@_json
@click.pass_context
def restore_command(
    context: click.Context,
    source: str,
    name: str | None,
    *,
    list_: bool,
    check: bool,
    despite_damage: bool,
    as_json: bool,
) -> None:
    """Bring the backup FILE, or the newest snapshot in FOLDER, back.

    That goes into an empty place only: a data folder, database and storage as the settings name
    them, without anything in them. What was interrupted goes on with the same command.

    Exit codes: 0 done, 1 failed, or the backup is damaged, 2 wrong usage, 130 interrupted.
    """
    with ExitStack() as stack:
        stack.enter_context(_told_when_interrupted("the same command goes on from here"))
        opened = stack.enter_context(_source(source))
        if list_:
            _list(opened, as_json)
            return
        chosen, manifest = read_snapshot(opened, name)
        if check:
            wrong = check_snapshot(opened, chosen, manifest, show_progress)
            _tell_check(chosen, wrong, as_json)
            context.exit(1 if wrong else 0)
        settings = load_settings(instance=instance_config())
        storage = open_storage(settings.storage_url, staging=settings.staging_folder)
        restorer = Restorer(settings, storage, opened, newest_revision())
        restored = restorer.restore(chosen, manifest, show_progress, despite_damage=despite_damage)
    if as_json:
        print_json({**asdict(restored), "made": manifest.made})
    else:
        _tell_restored(restored)
        if manifest.secret_key is None:
            click.echo("The secret key is not in it: set the one that the index had.", err=True)
    context.exit(1 if restored.damaged else 0)


def _stored(location: str, staging: Path) -> StoredPlace | None:
    """The folder or bucket that the location names; None when it names a file."""
    parts = urlsplit(location)
    if parts.scheme == "s3":
        return BucketPlace(location, staging)
    if location.startswith("file://"):
        return FolderPlace(Path(unquote(parts.path)))
    path = Path(location)
    return FolderPlace(path) if location.endswith("/") or path.is_dir() else None


@contextmanager
def _target(location: str, stored: StoredPlace | None) -> Iterator[Target]:
    if stored is None:
        with new_archive(Path(location)) as archive:
            yield archive
    else:
        with stored.locked():
            yield stored


@contextmanager
def _source(location: str) -> Iterator[Source]:
    # Nothing is written there.
    stored = _stored(location, Path(tempfile.gettempdir()))
    path = Path(location)
    if stored is not None:
        yield stored
    elif path.exists():
        with open_archive(path) as archive:
            yield archive
    else:
        raise NotFoundError(f"There is no backup at {location}.")


@contextmanager
def _told_when_interrupted(what: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"packslip: interrupted; {what}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _tell(made: Made, removed: list[str]) -> None:
    click.echo(made.snapshot)
    click.echo(
        f"{made.files} files, of which {made.copied} were copied now ({made.copied_bytes} bytes)",
        err=True,
    )
    if removed:
        click.echo(f"removed {len(removed)} older snapshots", err=True)
    if not made.has_secret_key:
        click.echo(
            "The secret key is not in it, as the settings name one: keep it too, or second factors"
            " are lost.",
            err=True,
        )
    for key in made.damaged:
        click.echo(f"missing or damaged here, and not in it: {key}", err=True)


def _tell_restored(restored: Restored) -> None:
    click.echo(restored.snapshot)
    click.echo(f"{restored.files} files restored", err=True)
    for key in restored.damaged:
        click.echo(f"missing or damaged in the backup: {key}", err=True)


def _tell_check(name: str, wrong: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"snapshot": name, "damaged": wrong})
        return
    for path in wrong:
        click.echo(f"missing or damaged: {path}")
    click.echo(f"{name}: {len(wrong)} parts are damaged" if wrong else f"{name} is whole", err=True)


def _list(source: Source, as_json: bool) -> None:
    found = [(name, read_snapshot(source, name)[1]) for name in snapshots(source)]
    if as_json:
        print_json(
            [
                {
                    "snapshot": name,
                    "made": one.made,
                    "made_by": one.made_by,
                    "kind": one.kind,
                    "revision": one.revision,
                    "files": len(one.files),
                    "size": sum(part.size for part in one.files),
                    "damaged": one.damaged,
                }
                for name, one in found
            ]
        )
        return
    rows = [
        (name, one.made_by, len(one.files), sum(part.size for part in one.files))
        for name, one in found
    ]
    print_table(("Snapshot", "Made by", "Files", "Bytes"), rows)
