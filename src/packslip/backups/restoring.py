"""Restoring a backup into an empty place.

The data folder holds a marker from the first step to the last, with which nothing is served from
it. What is cut off is taken up again by the same command.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url

from packslip.backups.making import ShowProgress
from packslip.backups.manifests import (
    InvalidBackupError,
    Manifest,
    Part,
    path_in,
    path_of,
)
from packslip.backups.places import DamagedPartError, Source
from packslip.errors import ConflictError, InvalidError
from packslip.settings import Settings
from packslip.snapshots import load_postgresql, load_sqlite
from packslip.storage.protocol import Storage


class NotEmptyError(ConflictError):
    """Something is where the backup is to be restored."""

    def __init__(self, what: str) -> None:
        super().__init__(f"A backup is restored into an empty place only, and {what}.")


class OtherRestoreError(ConflictError):
    """Another backup was about to be restored here."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(
            f"Restoring {snapshot} was cut off here. Finish that, or empty the place first."
        )


class DamagedBackupError(InvalidError):
    """Files of the backup are missing or have other bytes."""

    def __init__(self, keys: list[str]) -> None:
        files = "1 file is" if len(keys) == 1 else f"{len(keys)} files are"
        super().__init__(
            f"The backup is damaged, {files} missing or wrong, {keys[0]} for one."
            " With --despite-damage everything else is restored."
        )
        self.keys = keys


@dataclass
class Restored:
    """What was restored."""

    snapshot: str
    files: int = 0
    #: Keys that the backup should have, and has not or with other bytes.
    damaged: list[str] = field(default_factory=list)


class Restorer:
    """Restores one snapshot."""

    def __init__(self, settings: Settings, storage: Storage, source: Source, newest: str):
        """Take what belongs to the place, and the newest revision that this version knows."""
        self._settings = settings
        self._storage = storage
        self._source = source
        self._newest = newest
        self._url = make_url(settings.database_url)

    def restore(
        self, name: str, manifest: Manifest, show_progress: ShowProgress, *, despite_damage: bool
    ) -> Restored:
        """Bring the snapshot back.

        Every file is compared with its digest on the way.

        Raises:
            NotEmptyError: something is here already.
            InvalidBackupError: it is of another kind of database, or of a later version.
            DamagedBackupError: not all of it is there, and that was not to be put up with.
            DatabaseCopyError: the database cannot be loaded.
        """
        self._check(manifest)
        marker = self._settings.restore_marker
        self._mark(marker, name)
        # An attempt that was killed may have left one half written.
        self._storage.clean_staging()
        restored = Restored(name)
        with show_progress(len(manifest.files)) as progress:
            for part in manifest.files:
                if self._bring(part):
                    restored.files += 1
                else:
                    restored.damaged.append(part.key)
                progress.advance()
        if restored.damaged and not despite_damage:
            raise DamagedBackupError(restored.damaged)
        self._bring_secret_key(name, manifest)
        self._bring_database(name, manifest)
        marker.unlink()
        _sync_folder(marker.parent)
        return restored

    def _check(self, manifest: Manifest) -> None:
        kind = self._url.get_backend_name()
        if manifest.kind != kind:
            fault = f"its database is one of {manifest.kind}, and here is to be one of {kind}"
            raise InvalidBackupError(fault)
        if manifest.revision > self._newest:
            raise InvalidBackupError("a later version of Packslip made it")

    def _mark(self, marker: Path, name: str) -> None:
        if marker.exists():
            before = marker.read_text().strip()
            if before != name:
                raise OtherRestoreError(before)
            return
        self._require_empty()
        marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = marker.with_suffix(".new")
        draft.write_text(name + "\n")
        draft.replace(marker)
        _sync_folder(marker.parent)

    def _require_empty(self) -> None:
        if self._database_is_there():
            raise NotEmptyError("there is a database")
        if next(self._storage.keys(), None) is not None:
            raise NotEmptyError("the storage has files")
        if _has_files(self._settings.downloads_folder):
            raise NotEmptyError("the data folder has records of downloads")

    def _database_is_there(self) -> bool:
        if self._url.get_backend_name() == "sqlite":
            return self._database.exists()
        engine = create_engine(self._url)
        try:
            return bool(inspect(engine).get_table_names())
        finally:
            engine.dispose()

    @property
    def _database(self) -> Path:
        return Path(self._url.database or "")

    def _bring(self, part: Part) -> bool:
        """Store the bytes unless they are, and return whether the backup had the right ones."""
        if self._storage.exists(part.key):
            return True
        try:
            with self._storage.stage() as staged:
                for block in self._read(path_of(part.key), part):
                    staged.write(block)
                self._storage.put(part.key, staged)
        except DamagedPartError:
            return False
        return True

    def _bring_secret_key(self, name: str, manifest: Manifest) -> None:
        part = manifest.secret_key
        if part is None:
            return
        data = b"".join(self._read(path_in(name, part.key), part))
        draft = self._settings.data / "secret-key.restored"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._settings.data / "secret-key")

    def _bring_database(self, name: str, manifest: Manifest) -> None:
        if self._database_is_there():
            # It came with the attempt that was cut off after this.
            return
        is_sqlite = manifest.kind == "sqlite"
        folder = self._database.parent if is_sqlite else self._settings.data
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = folder / "database.restored"
        part = manifest.database
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for block in _unpacked(self._read(path_in(name, part.key), part), part):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if is_sqlite:
            load_sqlite(copy, self._database)
            _sync_folder(folder)
        else:
            load_postgresql(copy, self._url)
            copy.unlink()

    def _read(self, path: str, part: Part) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for block in self._source.read(path):
            digest.update(block)
            size += len(block)
            yield block
        if (size, digest.hexdigest()) != (part.size, part.sha256):
            raise DamagedPartError(path)


def check_snapshot(
    source: Source, name: str, manifest: Manifest, show_progress: ShowProgress
) -> list[str]:
    """Read all of a snapshot, and return the paths of what is missing or has other bytes."""
    extra = [] if manifest.secret_key is None else [manifest.secret_key]
    parts = [(path_in(name, part.key), part) for part in (manifest.database, *extra)]
    parts += [(path_of(part.key), part) for part in manifest.files]
    wrong = []
    with show_progress(len(parts)) as progress:
        for path, part in parts:
            try:
                digest = hashlib.sha256()
                for block in source.read(path):
                    digest.update(block)
                if digest.hexdigest() != part.sha256:
                    wrong.append(path)
            except DamagedPartError:
                wrong.append(path)
            progress.advance()
    return wrong


def _unpacked(blocks: Iterator[bytes], part: Part) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for block in blocks:
            yield unpacker.decompress(block)
        yield unpacker.flush()
    except zlib.error:
        raise DamagedPartError(part.key) from None


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
