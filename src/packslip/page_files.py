"""Simple pages as files, for a web server in front that asks nobody; only with SQLite.

A file never outlives what it says. Whoever changes a package, in whatever process, holds the lock
and removes its files before the change is committed; whoever writes one holds the lock and sees
that nothing has changed since it was made. So neither order of the two, nor a death in between,
leaves an old page behind.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from packslip.errors import UnavailableError

#: Stands for the pages of all packages.
EVERY_PAGE = "*"

_LOCK = ".lock"

#: Bodies from so many bytes on have a compressed file beside theirs.
_LEAST = 1000

#: Where a connection keeps the lock from before its commit until it is given back.
_HELD = "packslip_page_lock"

#: The triggers of this connection alone see what those of the database do to stamps.
_WATCH = (
    # Without a key: a trigger could not pass over what is there already, since how a conflict ends
    # is decided by the statement that sets it off.
    "CREATE TEMP TABLE changed_pages (package_id TEXT)",
    """CREATE TEMP TRIGGER note_first AFTER INSERT ON main.page_stamps
       BEGIN INSERT INTO changed_pages VALUES (new.package_id); END""",
    """CREATE TEMP TRIGGER note_next AFTER UPDATE ON main.page_stamps
       BEGIN INSERT INTO changed_pages VALUES (new.package_id); END""",
)


class PagesNotRemovedError(UnavailableError):
    """A change is refused, since the old page would go on being served."""

    def __init__(self) -> None:
        super().__init__("The files of pages cannot be removed at the moment. Please try again.")


class PageFiles:
    """The files in a folder that the web server reads: `<name>.<form>`, and `.gz` beside it.

    The folder is there as long as they are to be looked after, by whatever process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exist(self) -> bool:
        """Whether there are such files, or may be."""
        return self.folder.is_dir()

    def begin(self) -> None:
        """Begin anew, without any, for a server that may have other settings than the last one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._remove_all()
            # Later than all before, see `place`.
            os.utime(self.folder / _LOCK)

    def end(self) -> None:
        """Remove them, and have none from now on."""
        if self.exist:
            with self._locked():
                shutil.rmtree(self.folder)

    def place(
        self, name: str, bodies: Mapping[str, bytes], stamp: int, is_current: Callable[[], bool]
    ) -> None:
        """Write a package's page in some forms, if `is_current` then says that it still is.

        nginx makes its ETag of a file's time and size: each change gets a time of its own.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._locked():
            if not is_current():
                return
            moment = int((self.folder / _LOCK).stat().st_mtime) + stamp
            for form, body in bodies.items():
                self._write(f"{name}.{form}", body, moment)
                if len(body) >= _LEAST:
                    self._write(f"{name}.{form}.gz", gzip.compress(body, mtime=0), moment)

    def hold_back(self, names: Collection[str], forms: Collection[str]) -> int:
        """Remove the pages of packages; none is written until the lock that is returned is closed.

        Raises:
            PagesNotRemovedError: the folder cannot be written.
        """
        lock = -1
        try:
            lock = self._lock()
            self._remove(names, forms)
        except OSError as error:
            if lock >= 0:
                os.close(lock)
            raise PagesNotRemovedError from error
        return lock

    def _remove(self, names: Collection[str], forms: Collection[str]) -> None:
        if EVERY_PAGE in names:
            self._remove_all()
            return
        for name in names:
            for form in forms:
                for ending in ("", ".gz"):
                    (self.folder / f"{name}.{form}{ending}").unlink(missing_ok=True)

    def _write(self, filename: str, body: bytes, moment: int) -> None:
        with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
            try:
                file.write(body)
                os.fchmod(file.fileno(), 0o644)
                file.flush()
                os.utime(file.fileno(), (moment, moment))
                Path(file.name).replace(self.folder / filename)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _remove_all(self) -> None:
        for file in self.folder.iterdir():
            if file.name != _LOCK:
                file.unlink(missing_ok=True)

    def _lock(self) -> int:
        # It comes again after somebody has removed it by hand.
        self.folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.folder / _LOCK, flags, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = self._lock()
        try:
            yield
        finally:
            os.close(descriptor)


def remove_when_changed(engine: Engine, files: PageFiles, forms: Collection[str]) -> None:
    """Have pages removed before a change of what they say is committed over the engine."""

    def watch(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        # Before the first migrations there are no stamps, and no pages.
        with suppress(sqlite3.OperationalError):
            for statement in _WATCH:
                cursor.execute(statement)
        cursor.close()

    def before_commit(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        try:
            changed = {name for (name,) in cursor.execute("SELECT package_id FROM changed_pages")}
            if changed:
                connection.info[_HELD] = files.hold_back(changed, forms)
                cursor.execute("DELETE FROM changed_pages")
        except sqlite3.OperationalError:
            # It was opened before the first migrations.
            connection.info[_HELD] = files.hold_back([EVERY_PAGE], forms)
        finally:
            cursor.close()

    def release(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        lock = entry.info.pop(_HELD, None)
        if lock is not None:
            os.close(lock)

    event.listen(engine, "connect", watch)
    event.listen(engine, "commit", before_commit)
    event.listen(engine, "checkin", release)
