"""Room: the mirrored files that were not asked for longest are dropped when there are too many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.mirror.fetches import mirror_folder
from packslip.mirror.fetching import own_session
from packslip.mirror.file_operations import note_lost
from packslip.mirror.file_queries import ForgottenFileError, wanted_file
from packslip.mirror.models import MirrorFile
from packslip.mirror.parts import PartFile, part_path
from packslip.packages.models import File, Release
from packslip.packages.version_ranges import covers
from packslip.storage.protocol import Storage
from packslip.web.context import current_settings, current_storage

#: Gives the ranges of versions that notes on these packages are about, None for all versions.
NotedRanges = Callable[[Session, Collection[str]], Mapping[str, Sequence[str | None]]]

#: Files that are looked at between two questions to the database.
_BATCH = 100

log = structlog.get_logger(__name__)

_HELD = (
    MirrorFile.file_id == File.id,
    MirrorFile.kept_at.is_not(None),
    File.storage_key.is_not(None),
)


@dataclass(frozen=True)
class _Kept:
    file_id: int
    package_id: str
    version: str
    size: int
    storage_key: str | None
    used_at: datetime | None


def keep_within_limit(noted: NotedRanges) -> None:
    """Drop what is over the limit of this application, if it has one."""
    limit = current_settings().mirror_size
    if limit is not None:
        with own_session() as session:
            make_room(session, current_storage(), mirror_folder(), limit, noted)


def used_room(session: Session) -> int:
    """Bytes of all mirrored files that are held."""
    return session.scalar(select(func.coalesce(func.sum(File.size), 0)).where(*_HELD)) or 0


def make_room(
    session: Session, storage: Storage, folder: Path, limit: int, noted: NotedRanges
) -> int:
    """Drop mirrored files until those that are held have no more than `limit` bytes.

    Those go first that were not asked for longest. Pinned ones stay, and those that a note is
    about. The row of a dropped file stays, and the file is fetched again when somebody asks.

    Args:
        session: Each file is dropped in a transaction of its own.
        storage: Where the bytes are.
        folder: Where files are while they are fetched.
        limit: Bytes.
        noted: Says what notes are about.

    Returns:
        How many bytes were dropped.
    """
    # Those that stay are the first ones of each following question.
    dropped, staying = 0, 0
    while used_room(session) > limit:
        found = _oldest(session, staying)
        session.rollback()
        if not found:
            log.warning("all mirrored files are pinned or noted; the limit is passed", limit=limit)
            break
        ranges = noted(session, {kept.package_id for kept in found})
        session.rollback()
        for kept in found:
            if any(covers(one, kept.version) for one in ranges.get(kept.package_id, ())):
                staying += 1
            elif used_room(session) <= limit:
                break
            elif _drop(session, storage, folder, kept):
                dropped += kept.size
            else:
                staying += 1
    session.rollback()
    return dropped


def _oldest(session: Session, skipped: int) -> list[_Kept]:
    rows = session.execute(
        select(
            File.id, Release.package_id, Release.version, File.size, File.storage_key,
            MirrorFile.used_at,
        )
        .join(Release, Release.id == File.release_id)
        .where(*_HELD, MirrorFile.pinned.is_(False))
        .order_by(func.coalesce(MirrorFile.used_at, MirrorFile.kept_at), File.id)
        .offset(skipped)
        .limit(_BATCH)
    )  # fmt: skip
    return [
        _Kept(row.id, row.package_id, row.version, row.size, row.storage_key, row.used_at)
        for row in rows
    ]


def _drop(session: Session, storage: Storage, folder: Path, kept: _Kept) -> bool:
    key = kept.storage_key
    try:
        wanted = wanted_file(session, kept.file_id)
    except ForgottenFileError:
        return False
    finally:
        session.rollback()
    if key is None:
        return False
    with PartFile(part_path(folder, wanted.part_name)) as part:
        # Whoever fetches the file just now holds this lock until it is kept.
        if not (part.lock() and part.has_name):
            return False
        try:
            with write_transaction(session):
                mirrored = session.get_one(MirrorFile, kept.file_id)
                if mirrored.pinned or mirrored.used_at != kept.used_at:
                    return False
                note_lost(session, kept.file_id, key)
            # After the commit: a failure leaves bytes that nobody names, never a row without bytes.
            storage.delete(key)
        finally:
            part.remove()
    log.info("a mirrored file was dropped", file=wanted.filename, size=kept.size)
    return True
