"""Keeping the bytes that come with a bundle: they are stored first, and rows name them last."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.errors import UnavailableError
from packslip.mirror import file_operations
from packslip.mirror.bundles.manifests import BundledFile, Entry
from packslip.mirror.differences import ALTERED
from packslip.mirror.file_queries import ForgottenFileError, Wanted, wanted_file
from packslip.mirror.models import MirrorFile
from packslip.mirror.parts import PartFile, part_path
from packslip.packages.models import File
from packslip.storage.protocol import Storage, content_key, kept_metadata_key

#: Seconds for which a file that is just being fetched is waited for.
PATIENCE = 60.0

_LOOK = 0.1

log = structlog.get_logger(__name__)


class BusyFileError(UnavailableError):
    """Somebody fetches the file from upstream."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"{filename} is just being fetched from upstream.")


class DroppedBytesError(UnavailableError):
    """The bytes were dropped while they were taken in."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"The bytes of {filename} were dropped meanwhile: please load it again.")


@dataclass
class Stored:
    """What was stored of a file, and has no row yet."""

    file: BundledFile
    has_bytes: bool = False
    has_metadata: bool = False


def store(storage: Storage, entry: Entry, pieces: Iterable[bytes]) -> None:
    """Store the member if its bytes are those that are listed.

    Raises:
        WrongEntryError: they are not; nothing is stored.
        StorageFullError: there is no room left.
    """
    with storage.stage() as staged:
        for piece in pieces:
            staged.write(piece)
        storage.put(_key(entry), staged)


def keep(session: Session, storage: Storage, folder: Path, file_id: int, stored: Stored) -> bool:
    """Let the rows name what was stored; it stays however little room is left.

    Returns:
        Whether it is so; not when the file is to have other bytes.

    Raises:
        BusyFileError: somebody fetches the file.
        DroppedBytesError: the bytes are not there any more.
    """
    file = stored.file
    filename, sha256 = file.said.filename, file.sha256
    with _turn(session, folder, file_id, filename) as wanted:
        if wanted.refused == ALTERED or wanted.sha256 not in {None, sha256}:
            return False
        key = content_key(sha256, filename)
        try:
            with write_transaction(session):
                if stored.has_bytes:
                    _require(storage, key, filename)
                    file_operations.note_kept(session, wanted, sha256, file.said.size, key)
                if stored.has_metadata:
                    metadata = file.said.metadata or ""
                    _require(storage, kept_metadata_key(metadata, filename), filename)
                    file_operations.note_metadata(session, wanted, metadata)
                pin(session, [file_id])
        except ForgottenFileError:
            return False
    return True


def pin(session: Session, file_ids: Iterable[int]) -> None:
    """Let the bytes of these files stay however little room is left, inside of a transaction."""
    ids = list(file_ids)
    if ids:
        session.execute(update(MirrorFile).where(MirrorFile.file_id.in_(ids)).values(pinned=True))


def discard(session: Session, storage: Storage, stored: Stored) -> None:
    """Remove what was stored, unless a row names it. Nothing is raised."""
    filename = stored.file.said.filename
    if stored.has_bytes:
        file_operations.discard(session, storage, content_key(stored.file.sha256, filename))
    if not stored.has_metadata:
        return
    metadata = stored.file.said.metadata or ""
    try:
        with write_transaction(session):
            named = (
                select(File.id)
                .join(MirrorFile, MirrorFile.file_id == File.id)
                .where(File.filename == filename, File.metadata_sha256 == metadata)
                .where(MirrorFile.metadata_kept)
            )
            if session.scalar(named) is None:
                storage.delete(kept_metadata_key(metadata, filename))
    except Exception as error:
        log.warning("metadata without a row was left in the storage", exc_info=error)


@contextmanager
def _turn(session: Session, folder: Path, file_id: int, filename: str) -> Iterator[Wanted]:
    """Give what is known of the file, while nobody else fetches or drops it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        wanted = wanted_file(session, file_id)
        session.rollback()
        with PartFile(part_path(folder, wanted.part_name)) as part:
            if part.lock() and part.has_name:
                try:
                    yield wanted
                finally:
                    # What came of it from upstream is not gone on with.
                    part.remove()
                return
        time.sleep(_LOOK)
    raise BusyFileError(filename)


def _require(storage: Storage, key: str, filename: str) -> None:
    # Nobody drops bytes under this key now; somebody may have while they were stored.
    if not storage.exists(key):
        raise DroppedBytesError(filename)


def _key(entry: Entry) -> str:
    key = kept_metadata_key if entry.is_metadata else content_key
    return key(entry.sha256, entry.file.said.filename)
