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
    # PostgreSQL adds large integers up to a decimal.
    return int(session.scalar(select(func.sum(File.size)).where(*_HELD)) or 0)


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
            if _is_noted(kept, ranges):
                staying += 1
            elif used_room(session) <= limit:
                break
            elif _drop(session, storage, folder, kept, noted):
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


def _is_noted(kept: _Kept, ranges: Mapping[str, Sequence[str | None]]) -> bool:
    return any(covers(one, kept.version) for one in ranges.get(kept.package_id, ()))


def _drop(
    session: Session, storage: Storage, folder: Path, kept: _Kept, noted: NotedRanges
) -> bool:
    if kept.storage_key is None:
        return False

    def is_unwanted(mirrored: MirrorFile) -> bool:
        if mirrored.pinned or mirrored.used_at != kept.used_at:
            return False
        # Asked again within the transaction: a note may be new.
        return not _is_noted(kept, noted(session, {kept.package_id}))

    file_id, key = kept.file_id, kept.storage_key
    is_dropped = drop_file(session, storage, folder, file_id, key, may=is_unwanted)
    if is_dropped:
        name = key.rpartition("/")[2]
        log.info("a mirrored file was dropped", file=name, size=kept.size)
    return is_dropped


def drop_file(
    session: Session,
    storage: Storage,
    folder: Path,
    file_id: int,
    key: str,
    *,
    may: Callable[[MirrorFile], bool] = lambda _: True,
    are_wrong: bool = False,
) -> bool:
    """Drop the bytes of a mirrored file, which are under the key, if they still are and it may go.

    A failure halfway leaves bytes that nobody names, and never a row without bytes. With
    `are_wrong` it is the other way round: bytes that are there are taken for the right ones.

    Returns:
        Whether they are dropped. They are not while somebody fetches the file.
    """
    try:
        wanted = wanted_file(session, file_id)
    except ForgottenFileError:
        return False
    finally:
        session.rollback()
    with PartFile(part_path(folder, wanted.part_name)) as part:
        # Whoever fetches the file just now holds this lock until it is kept.
        if not (part.lock() and part.has_name):
            return False
        try:
            with write_transaction(session):
                mirrored = session.get_one(MirrorFile, file_id)
                if not may(mirrored):
                    return False
                note_lost(session, file_id, key)
                if are_wrong:
                    storage.delete(key)
            storage.delete(key)
        finally:
            part.remove()
    return True
