"""Whether what is kept of mirrored packages is still what it was when it was kept."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.mirror.file_operations import note_lost_metadata
from packslip.mirror.file_queries import ForgottenFileError
from packslip.mirror.models import MirrorFile
from packslip.mirror.room import drop_file
from packslip.packages.models import File, Release
from packslip.storage.protocol import MissingBytesError, Storage, kept_metadata_key

#: Files that are looked up at once.
_BATCH = 500


@dataclass(frozen=True)
class KeptFile:
    """What is kept of a mirrored file: its bytes, its metadata, or both."""

    file_id: int
    package: str
    filename: str
    size: int
    sha256: str | None
    storage_key: str | None
    #: None while no metadata is kept.
    metadata_sha256: str | None


@dataclass(frozen=True)
class Fault:
    """Something that is not what it was."""

    package: str
    #: With `.metadata` behind it for the metadata of that file.
    filename: str
    #: Is a part of a sentence.
    fault: str
    #: Whether it was dropped, so that it is fetched anew.
    is_repaired: bool = False


def count_kept(session: Session, packages: Collection[str]) -> int:
    """How many files there are to look at; of all packages when none is named."""
    query = select(func.count()).select_from(MirrorFile).join(MirrorFile.file).join(File.release)
    return session.scalar(query.where(*_wanted(packages))) or 0


def list_kept(session: Session, packages: Collection[str]) -> Iterator[KeptFile]:
    """These files, without an open transaction between them."""
    last = 0
    while True:
        rows = session.execute(
            select(
                File.id, Release.package_id, File.filename, File.size, File.sha256,
                File.storage_key, File.metadata_sha256, MirrorFile.metadata_kept,
            )
            .join(File.release)
            .join(MirrorFile, MirrorFile.file_id == File.id)
            .where(*_wanted(packages), File.id > last)
            .order_by(File.id)
            .limit(_BATCH)
        ).all()  # fmt: skip
        session.rollback()
        if not rows:
            return
        for row in rows:
            yield KeptFile(
                file_id=row.id,
                package=row.package_id,
                filename=row.filename,
                size=row.size,
                sha256=row.sha256,
                storage_key=row.storage_key,
                metadata_sha256=row.metadata_sha256 if row.metadata_kept else None,
            )
        last = rows[-1].id


def faults_of(
    session: Session, storage: Storage, folder: Path, kept: KeptFile, *, repair: bool
) -> Iterator[Fault]:
    """Read what is kept of the file; tell what is wrong, and with `repair` drop it.

    What was dropped or fetched anew meanwhile is not told of.
    """
    if kept.storage_key is not None:
        fault = _fault(storage, kept.storage_key, kept.sha256, kept.size)
        if fault is not None and _key_of(session, kept.file_id) == kept.storage_key:
            done = repair and drop_file(
                session, storage, folder, kept.file_id, kept.storage_key, are_wrong=True
            )
            yield Fault(kept.package, kept.filename, fault, done)
    if kept.metadata_sha256 is not None:
        key = kept_metadata_key(kept.metadata_sha256, kept.filename)
        fault = _fault(storage, key, kept.metadata_sha256, None)
        if fault is not None:
            done = repair and _drop_metadata(session, storage, kept.file_id, key)
            yield Fault(kept.package, f"{kept.filename}.metadata", fault, done)


def _wanted(packages: Collection[str]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        or_(File.storage_key.is_not(None), MirrorFile.metadata_kept)
    ]
    if packages:
        wanted.append(Release.package_id.in_(sorted(packages)))
    return wanted


def _fault(storage: Storage, key: str, sha256: str | None, size: int | None) -> str | None:
    digest = hashlib.sha256()
    try:
        with storage.open(key) as stored:
            if size is not None and stored.size != size:
                return f"it has {stored.size} bytes instead of {size}"
            for block in stored.read():
                digest.update(block)
    except MissingBytesError:
        return "it is missing"
    found = digest.hexdigest()
    return None if found == sha256 else f"its SHA-256 is {found} instead of {sha256}"


def _key_of(session: Session, file_id: int) -> str | None:
    key = session.scalar(select(File.storage_key).where(File.id == file_id))
    session.rollback()
    return key


def _drop_metadata(session: Session, storage: Storage, file_id: int, key: str) -> bool:
    try:
        with write_transaction(session):
            note_lost_metadata(session, file_id)
            # Before the commit: bytes that are there are taken for the right ones.
            storage.delete(key)
    except ForgottenFileError:
        return False
    return True
