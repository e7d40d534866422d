"""What pages of mirrored packages say of their upstream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.mirror.current import Mirror
from packslip.mirror.models import MirrorFile, MirrorPage, PageState
from packslip.mirror.upstreams import is_bundled, origin_of
from packslip.packages.models import File, Origin, Package


@dataclass(frozen=True)
class Source:
    """Where a mirrored package comes from, and how current what is known of it is."""

    #: The upstream's name, if it is known.
    upstream: str | None
    checked_at: datetime | None
    #: How old that is, in words.
    age: str | None
    #: When upstream last failed to say what is true now.
    failed_at: datetime | None
    #: Whether upstream says that there is no such package any more.
    is_gone: bool


@dataclass(frozen=True)
class FileState:
    """A mirrored file: whether it can be had, and what is wrong with it."""

    can_be_had: bool
    is_gone: bool
    #: Why it is refused.
    refused: str | None
    #: Whether upstream says when it came; it was first seen then otherwise.
    is_dated: bool


def source_of(session: Session, package: Package, now: datetime) -> Source | None:
    """Where the package comes from; None for a hosted one."""
    if package.origin != Origin.MIRRORED:
        return None
    page = session.get(MirrorPage, package.id)
    if page is None:
        return Source(None, None, None, None, is_gone=False)
    return Source(
        _upstream(page.upstream),
        page.checked_at,
        None if page.checked_at is None else age(page.checked_at, now),
        page.failed_at,
        is_gone=page.state == PageState.MISSING,
    )


def _upstream(name: str | None) -> str | None:
    if name is None or not is_bundled(name):
        return name
    return f"{origin_of(name)}, by a bundle"


def file_states(
    session: Session, mirror: Mirror, files: Iterable[File], now: datetime
) -> Mapping[int, FileState]:
    """How it stands with the mirrored ones among the files, by their numbers."""
    by_id = {file.id: file for file in files}
    rows = session.scalars(select(MirrorFile).where(MirrorFile.file_id.in_(by_id)))
    found = {}
    for row in rows:
        file = by_id[row.file_id]
        is_refused = row.refused is not None and (row.retry_at is None or row.retry_at > now)
        is_offered = bool(mirror) and file.url is not None and row.vanished_at is None
        found[row.file_id] = FileState(
            can_be_had=file.storage_key is not None or (is_offered and not is_refused),
            is_gone=row.vanished_at is not None,
            refused=row.refused if is_refused else None,
            is_dated=row.dated,
        )
    return found


def age(moment: datetime, now: datetime) -> str:
    """How long ago that was: `5 minutes ago`."""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if number := seconds // size:
            return f"{number} {unit}{'s' * (number > 1)} ago"
    return "just now"
