"""Copies of the whole database as it is at one moment, taken while others go on writing.

SQLite is copied by its own backup into a file that is a database again. PostgreSQL is dumped by
`pg_dump`, and loaded by `pg_restore`, both of which are to be found in `PATH`.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, text

from packslip.errors import StorageFullError, UnavailableError

#: Pages of SQLite that are copied at once.
_PAGES = 4096

#: Copies that `keep_copy` keeps.
_KEPT = 3

_FULL = sqlite3.SQLITE_FULL


class DatabaseCopyError(UnavailableError):
    """The database cannot be copied or loaded. The reason is one sentence."""


@dataclass(frozen=True)
class Snapshot:
    """A copy of the database."""

    #: The file that it is: a database of SQLite, or what `pg_dump --format=custom` writes.
    path: Path
    #: `sqlite` or `postgresql`.
    kind: str
    #: Reads what the copy holds, and nothing that came later.
    connection: Connection


@contextmanager
def take_snapshot(engine: Engine, path: Path) -> Iterator[Snapshot]:
    """Copy the database into the file `path`, which must not be there.

    Raises:
        DatabaseCopyError: it cannot be copied, or is damaged.
        StorageFullError: there is no room left.
    """
    if engine.dialect.name == "sqlite":
        _copy_sqlite(Path(engine.url.database or ""), path)
        copy = create_engine(URL.create("sqlite", database=os.fspath(path)))
        try:
            with copy.connect() as connection:
                yield Snapshot(path, "sqlite", connection)
        finally:
            copy.dispose()
        return
    with engine.connect() as connection:
        frozen = connection.execution_options(isolation_level="REPEATABLE READ")
        name = frozen.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        _run("pg_dump", engine.url, "--format=custom", f"--snapshot={name}", f"--file={path}")
        yield Snapshot(path, "postgresql", frozen)


def keep_copy(engine: Engine, folder: Path, name: str) -> Path:
    """Copy the database into the folder, which keeps the newest few such copies; give its path.

    Raises:
        DatabaseCopyError: it cannot be copied, or is damaged.
        StorageFullError: there is no room left.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    draft = folder / "unfinished"
    draft.unlink(missing_ok=True)
    try:
        with take_snapshot(engine, draft) as snapshot:
            suffix = "db" if snapshot.kind == "sqlite" else "dump"
        path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{name}.{suffix}"
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    for old in sorted(folder.glob("*Z-*"))[:-_KEPT]:
        old.unlink()
    return path


def load_sqlite(copy: Path, database: Path) -> None:
    """Let the copy be the database, at one blow. Both are on the same file system.

    Raises:
        DatabaseCopyError: the copy is damaged.
    """
    check_sqlite(copy)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy.replace(database)


def load_postgresql(copy: Path, url: URL) -> None:
    """Load the copy into an empty database, in one transaction.

    Raises:
        DatabaseCopyError: it cannot be loaded.
    """
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", os.fspath(copy))


def check_sqlite(path: Path) -> None:
    """See that a file is a database, and whole.

    Raises:
        DatabaseCopyError: it is not.
    """
    try:
        with closing(sqlite3.connect(path)) as database:
            faults = [row[0] for row in database.execute("PRAGMA quick_check(1)")]
    except sqlite3.DatabaseError as error:
        raise DatabaseCopyError(f"The database is damaged: {error}.") from error
    if faults != ["ok"]:
        raise DatabaseCopyError(f"The database is damaged: {faults[0]}.")


def _copy_sqlite(database: Path, path: Path) -> None:
    if not database.is_file():
        raise DatabaseCopyError("There is no database to copy.")
    path.touch(mode=0o600, exist_ok=False)
    try:
        with (
            closing(sqlite3.connect(database, isolation_level=None)) as source,
            closing(sqlite3.connect(path)) as target,
        ):
            # Within a transaction it reads one state of the log, however much others write; the
            # backup would otherwise begin again with each of their changes.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            source.backup(target, pages=_PAGES)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == _FULL:
            raise StorageFullError("There is no room left for a copy of the database.") from error
        raise DatabaseCopyError(f"The database cannot be copied: {error}.") from error
    check_sqlite(path)


def _run(program: str, url: URL, *arguments: str) -> None:
    public = url.set(drivername="postgresql", password=None)
    command = [
        program,
        "--no-owner",
        "--no-privileges",
        f"--dbname={public.render_as_string(hide_password=False)}",
        *arguments,
    ]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and nothing in it comes from others
            command,
            env=_environment(url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        reason = f"There is no {program} in PATH: install the tools of PostgreSQL."
        raise DatabaseCopyError(reason) from None
    if done.returncode:
        raise DatabaseCopyError(f"{program} failed: {_last_line(done.stderr)}")


def _environment(url: URL) -> Mapping[str, str]:
    # Everybody on the machine can read the arguments of a process.
    return os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if "error" in line.lower()]
    lines = lines or [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0] if lines else "it does not say why."
