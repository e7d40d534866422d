"""Keeping mirrored files, refusing and forgetting their bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.errors import UnavailableError
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.mirror.alarms import raise_alarm
from packslip.mirror.file_queries import ForgottenFileError, Wanted
from packslip.mirror.models import MirrorFile
from packslip.packages.models import File, Release
from packslip.storage.protocol import Storage

#: Who acts when nobody asked for it.
MIRROR = Actor("the mirror")

#: For how long a file whose bytes were wrong is not asked for again.
RETRY_AFTER = timedelta(hours=1)

#: How exactly it is known when a file was last asked for.
USE_GRAIN = timedelta(hours=1)

log = structlog.get_logger(__name__)


def note_kept(session: Session, wanted: Wanted, sha256: str, size: int, key: str) -> None:
    """Note that the right bytes of the file are in the storage.

    Raises:
        ForgottenFileError: the file is not known any more, or it is to have other bytes by now.
    """
    file, mirrored = _lock(session, wanted.file_id)
    if file.sha256 not in {None, sha256}:
        raise ForgottenFileError
    release = session.get_one(Release, file.release_id)
    release.size += size - file.size
    file.sha256, file.size, file.storage_key = sha256, size, key
    mirrored.kept_at = mirrored.used_at = datetime.now(UTC)
    if mirrored.retry_at is not None:
        mirrored.refused = mirrored.retry_at = None
    session.flush()


def note_metadata(session: Session, wanted: Wanted, sha256: str) -> None:
    """Note that the file's metadata is in the storage, and which it is.

    Raises:
        ForgottenFileError: the file is not known any more.
    """
    file, mirrored = _lock(session, wanted.file_id)
    file.metadata_sha256, mirrored.metadata_kept = sha256, True
    # What a wheel says of itself stays so when it is installed.
    file.metadata_is_static = file.metadata_is_static or wanted.is_wheel
    session.flush()


def refuse(session: Session, wanted: Wanted, fault: str) -> None:
    """Note that upstream sent other bytes than it announced; they are asked for again later.

    Raises:
        ForgottenFileError: the file is not known any more.
    """
    _, mirrored = _lock(session, wanted.file_id)
    # What is refused for good stays so.
    if mirrored.refused is None or mirrored.retry_at is not None:
        mirrored.refused = f"Upstream sent other bytes than it announced: {fault}."
        mirrored.retry_at = datetime.now(UTC) + RETRY_AFTER
    _record(session, Action.MIRROR_REFUSE_FILE, wanted, wanted.filename, fault)


def record_refused_metadata(session: Session, wanted: Wanted, fault: str) -> Event:
    """Record that upstream sent other metadata than it announced."""
    return _record(session, Action.MIRROR_REFUSE_FILE, wanted, f"{wanted.filename}.metadata", fault)


def record_loss(session: Session, wanted: Wanted, problem: str) -> None:
    """Record that upstream broke off in the middle of the file, again and again."""
    _record(session, Action.MIRROR_LOSE_FILE, wanted, wanted.filename, problem)


def note_use(session: Session, file_id: int, used_at: datetime | None) -> None:
    """Note that the bytes are asked for now, if that is not known to about an hour.

    It is left for the next time when the database is busy.
    """
    now = datetime.now(UTC)
    if used_at is not None and now - used_at < USE_GRAIN:
        return
    try:
        with write_transaction(session, wait=False):
            mirrored = session.get(MirrorFile, file_id)
            if mirrored is not None:
                mirrored.used_at = now
    except (UnavailableError, SQLAlchemyError) as error:
        log.info("the use of a mirrored file was not noted", file=file_id, error=str(error))


def note_lost(session: Session, file_id: int, key: str) -> None:
    """Note that the bytes under the key, which the file had, are not held any more."""
    file = session.get(File, file_id, with_for_update=True)
    mirrored = session.get(MirrorFile, file_id)
    if file is not None and mirrored is not None and file.storage_key == key:
        file.storage_key = mirrored.kept_at = None
        session.flush()


def note_lost_metadata(session: Session, file_id: int) -> None:
    """Note that the file's metadata is not held any more."""
    _, mirrored = _lock(session, file_id)
    mirrored.metadata_kept = False
    session.flush()


def discard(session: Session, storage: Storage, key: str) -> None:
    """Remove bytes that were stored, unless a row names them. Nothing is raised."""
    try:
        with write_transaction(session):
            if session.scalar(select(File.id).where(File.storage_key == key).limit(1)) is None:
                storage.delete(key)
    except Exception as error:
        # They take up room and nobody can see them; another error is the one to tell.
        log.warning("bytes without a row were left in the storage", key=key, exc_info=error)


def _lock(session: Session, file_id: int) -> tuple[File, MirrorFile]:
    file = session.get(File, file_id, with_for_update=True)
    mirrored = session.get(MirrorFile, file_id)
    if file is None or mirrored is None:
        raise ForgottenFileError
    return file, mirrored


def _record(session: Session, action: Action, wanted: Wanted, filename: str, reason: str) -> Event:
    data = {
        "version": wanted.version,
        "filename": filename,
        "upstream": wanted.upstream,
        "reason": reason,
    }
    event = record(session, MIRROR, action, package_id=wanted.package_id, data=data)
    raise_alarm(session, event)
    return event
