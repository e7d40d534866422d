"""Making a backup while the index is in use."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, text

from packslip.backups.contents import Named, named_bytes
from packslip.backups.manifests import (
    MANIFEST,
    SECRET_KEY,
    Manifest,
    Part,
    new_name,
    path_in,
    path_of,
    write_manifest,
)
from packslip.backups.places import BackupBusyError, Target
from packslip.errors import ConflictError
from packslip.packages.importing.progress import Reporter
from packslip.secret_keys import key_file
from packslip.settings import Settings
from packslip.snapshots import Snapshot, take_snapshot
from packslip.storage.protocol import BLOCK_SIZE, MissingBytesError, Storage

#: How often a database is copied anew because bytes that it named were removed meanwhile.
_ATTEMPTS = 5

_DATABASE = "database.gz"

#: How hard gzip tries: SQLite's files get several times smaller with little effort.
_EFFORT = 3


class _WrongBytesError(Exception):
    """The storage has other bytes under a key than its row says."""


class ShowProgress(Protocol):
    """Shows how many of so many files are done."""

    def __call__(self, total: int, /) -> AbstractContextManager[Reporter]: ...


@dataclass
class Made:
    """What a backup did."""

    snapshot: str
    #: Files of the storage that are in the snapshot.
    files: int = 0
    #: How many of them the target did not have, and their bytes.
    copied: int = 0
    copied_bytes: int = 0
    #: Keys of which the storage does not have the right bytes.
    damaged: list[str] = field(default_factory=list)
    has_secret_key: bool = False


class BackupMaker:
    """Makes one snapshot."""

    def __init__(self, engine: Engine, storage: Storage, settings: Settings, target: Target):
        self._engine = engine
        self._storage = storage
        self._settings = settings
        self._target = target
        self._parts: dict[str, Part] = {}
        self._made = Made(new_name(datetime.now(UTC)))

    def make(self, folder: Path, made_by: str, show_progress: ShowProgress) -> Made:
        """Add a snapshot of database and files to the target.

        The `folder` takes copies of the database; see `working_folder`.

        It is the database as it is at one moment, and all the bytes that it names. What the target
        has of these already is not copied again: keys name content.

        Raises:
            DatabaseCopyError: the database cannot be copied.
            StorageFullError: there is no room left.
        """
        for attempt in range(_ATTEMPTS):
            copy = folder / f"{attempt}.copy"
            moment = datetime.now(UTC)
            with take_snapshot(self._engine, copy) as snapshot:
                revision = _revision(snapshot)
                wanted = {one.key: one for one in named_bytes(snapshot.connection)}
            missing = self._copy_files(wanted, show_progress)
            damaged = self._still_named(missing)
            if len(damaged) == len(missing):
                break
            # The others were removed between the two: rows that name them would have nothing.
            copy.unlink()
        else:
            raise ConflictError("Files are removed too fast to make a backup. Try again.")
        files = [self._parts[key] for key in sorted(wanted) if key in self._parts]
        manifest = Manifest(
            made=moment,
            made_by=made_by,
            kind=snapshot.kind,
            revision=revision,
            database=self._add_database(copy),
            secret_key=self._add_secret_key(),
            files=files,
            damaged=sorted(damaged),
        )
        self._add(MANIFEST, write_manifest(manifest))
        self._made.files, self._made.damaged = len(files), manifest.damaged
        return self._made

    def _copy_files(self, wanted: dict[str, Named], show_progress: ShowProgress) -> set[str]:
        missing = set()
        with show_progress(len(wanted)) as progress:
            for one in wanted.values():
                if one.key not in self._parts and not self._has(one):
                    try:
                        self._copy(one)
                    except (MissingBytesError, _WrongBytesError):
                        missing.add(one.key)
                progress.advance()
        return missing

    def _has(self, one: Named) -> bool:
        size = self._target.size_of(path_of(one.key))
        if size is None:
            return False
        self._parts[one.key] = Part(one.key, size, one.sha256)
        return True

    def _copy(self, one: Named) -> None:
        with self._storage.open(one.key) as stored:
            part = Part(one.key, stored.size, one.sha256)
            self._target.add(path_of(one.key), part.size, _verified(stored.read(), part))
        self._parts[one.key] = part
        self._made.copied += 1
        self._made.copied_bytes += part.size

    def _still_named(self, keys: set[str]) -> set[str]:
        """Those of the keys that rows name now."""
        if not keys:
            return set()
        with self._engine.connect() as connection:
            return {one.key for one in named_bytes(connection) if one.key in keys}

    def _add_database(self, copy: Path) -> Part:
        packed = copy.with_suffix(".gz")
        with copy.open("rb") as plain, gzip.open(packed, "wb", compresslevel=_EFFORT) as output:
            shutil.copyfileobj(plain, output, BLOCK_SIZE)
        copy.unlink()
        with packed.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        part = Part(_DATABASE, packed.stat().st_size, sha256)
        with packed.open("rb") as file:
            blocks = _verified(iter(lambda: file.read(BLOCK_SIZE), b""), part)
            self._target.add(path_in(self._made.snapshot, part.key), part.size, blocks)
        return part

    def _add_secret_key(self) -> Part | None:
        """The key that is kept in the data folder; one from elsewhere is kept there."""
        path = key_file(self._settings)
        if path is None:
            return None
        self._made.has_secret_key = True
        return self._add(SECRET_KEY, path.read_bytes())

    def _add(self, name: str, data: bytes) -> Part:
        self._target.add(path_in(self._made.snapshot, name), len(data), [data])
        return Part(name, len(data), hashlib.sha256(data).hexdigest())


def _revision(snapshot: Snapshot) -> str:
    found = snapshot.connection.execute(text("SELECT version_num FROM alembic_version"))
    return str(found.scalar_one())


def _verified(blocks: Iterable[bytes], part: Part) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
        yield block
    if (size, digest.hexdigest()) != (part.size, part.sha256):
        raise _WrongBytesError


@contextmanager
def working_folder(data: Path) -> Iterator[Path]:
    """A folder for copies of the database, of which one command at a time has it.

    What a killed command left in it is gone at the next backup.

    Raises:
        BackupBusyError: another command is making a backup of this index.
    """
    folder = data / "backup"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(data / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupBusyError from None
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)
            folder.rmdir()
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
