"""Metadata that was made from parts of a wheel, held against the whole wheel once that is here.

Parts have no digest that upstream could be held to; the whole wheel has.
"""

from __future__ import annotations

import hashlib

import structlog
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.mirror.file_operations import note_metadata, record_refused_metadata
from packslip.mirror.file_queries import ForgottenFileError, Wanted, wanted_file
from packslip.mirror.models import MirrorFile
from packslip.mirror.ranged import RangedFile, UnreadableWheelError, wheel_metadata
from packslip.packages.latest import refresh_texts
from packslip.packages.metadata import inspect_metadata
from packslip.packages.models import File, Package, Release
from packslip.storage.protocol import MissingBytesError, Storage, kept_metadata_key

log = structlog.get_logger(__name__)


def metadata_of_kept(storage: Storage, wanted: Wanted) -> bytes:
    """The metadata within a wheel whose bytes are in the storage.

    Raises:
        UnreadableWheelError: it has none that could be read.
        MissingBytesError: the bytes are gone.
    """
    assert wanted.storage_key is not None
    with storage.open(wanted.storage_key) as stored:
        file = RangedFile(stored.size, lambda start, stop: b"".join(stored.read(start, stop)))
        return wheel_metadata(file, wanted.filename)


def compare_made_metadata(session: Session, storage: Storage, file_id: int) -> bool:
    """Replace metadata that was made of other bytes than those of the wheel that is kept.

    Call it when the wheel was kept, and when metadata was made while it may have been: whoever
    comes second sees what the other one did. That upstream sent other bytes becomes an event.

    Returns:
        Whether it was another one.
    """
    try:
        wanted = wanted_file(session, file_id)
    except ForgottenFileError:
        return False
    finally:
        # Nothing is read from the storage within a transaction.
        session.rollback()
    is_made = wanted.metadata_kept and wanted.metadata_offered is None and wanted.is_wheel
    if not is_made or wanted.storage_key is None:
        return False
    try:
        right = metadata_of_kept(storage, wanted)
    except (UnreadableWheelError, MissingBytesError) as error:
        log.error("a wheel's metadata cannot be compared", file=wanted.filename, reason=str(error))
        return False
    sha256 = hashlib.sha256(right).hexdigest()
    if sha256 == wanted.metadata_sha256:
        return False
    storage.put_bytes(kept_metadata_key(sha256, wanted.filename), right)
    return _replace(session, storage, wanted, sha256, right)


def _replace(session: Session, storage: Storage, wanted: Wanted, sha256: str, right: bytes) -> bool:
    wrong = kept_metadata_key(wanted.metadata_sha256 or "", wanted.filename)
    told = _as_json(_read(storage, wrong))
    fault = f"parts of the wheel gave the sha256 {wanted.metadata_sha256}, the whole gives {sha256}"
    with write_transaction(session):
        package = session.get(Package, wanted.package_id, with_for_update=True)
        file = session.get(File, wanted.file_id, with_for_update=True)
        mirrored = session.get(MirrorFile, wanted.file_id)
        if package is None or file is None or mirrored is None:
            return False
        if not mirrored.metadata_kept or file.metadata_sha256 != wanted.metadata_sha256:
            return False
        note_metadata(session, wanted, sha256)
        event = record_refused_metadata(session, wanted, fault)
        release = session.get_one(Release, file.release_id)
        if told is not None and release.core_metadata == told:
            # The release was described by it.
            release.core_metadata = _as_json(right) or {}
            refresh_texts(session, package)
        package.serial = event.id
    storage.delete(wrong)
    log.error("upstream sent wrong parts of a wheel", file=wanted.filename, fault=fault)
    return True


def _read(storage: Storage, key: str) -> bytes | None:
    try:
        with storage.open(key) as stored:
            return b"".join(stored.read())
    except MissingBytesError:
        return None


def _as_json(data: bytes | None) -> dict[str, object] | None:
    metadata = None if data is None else inspect_metadata(data)[0]
    return None if metadata is None else metadata.as_json()
