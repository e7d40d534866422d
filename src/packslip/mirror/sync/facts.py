"""What the index knows of packages that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from packaging.utils import NormalizedName
from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from packslip.mirror.current import current_mirror
from packslip.mirror.models import MirrorFile
from packslip.mirror.sync.values import Bar, KnownFile, KnownPackage, KnownRelease
from packslip.mirror.verdict import Refusal, judged
from packslip.packages.models import File, Origin, Package, Release
from packslip.simple_api.page import PackageStatus

#: Rows that are asked for or changed at once.
_BATCH = 500

_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class FileState:
    """What is held of a mirrored file."""

    size: int
    is_held: bool
    metadata_is_held: bool
    is_pinned: bool


def known_package(session: Session, name: str, now: datetime) -> KnownPackage | None:
    """What is known of the package; None when there is none. Upstream is not asked."""
    package = session.execute(
        select(Package.origin, Package.status, Package.status_reason).where(Package.id == name)
    ).one_or_none()
    if package is None:
        return None
    is_hosted = package.origin == Origin.HOSTED
    quarantine = None
    if package.status == PackageStatus.QUARANTINED:
        quarantine = Bar(f"It is in quarantine: {package.status_reason or 'no reason is given'}")
    bars = _Bars(
        refusals={} if is_hosted else judged(session, name, now)[0],
        quarantine=quarantine,
        can_be_asked=bool(current_mirror().upstreams_for(NormalizedName(name))),
        now=now,
    )
    rows = session.execute(
        select(
            Release.id.label("release_id"),
            Release.version,
            Release.yanked,
            Release.held_reason,
            File.id,
            File.filename,
            File.packagetype,
            File.tags,
            File.size,
            File.sha256,
            File.requires_python,
            File.storage_key,
            File.metadata_is_static,
            MirrorFile.file_id.label("mirrored"),
            MirrorFile.metadata_kept,
            MirrorFile.yanked.label("file_yanked"),
            MirrorFile.refused,
            MirrorFile.retry_at,
            MirrorFile.vanished_at,
        )
        .outerjoin(File, File.release_id == Release.id)
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
        .where(Release.package_id == name)
        .order_by(Release.sort_key.desc(), Release.id, File.filename)
    )
    releases = [
        _release(list(of_release), bars)
        for _, of_release in groupby(rows, key=lambda row: row.release_id)
    ]
    return KnownPackage(name, is_hosted, releases)


def known_requirements(session: Session, name: str, version: str) -> list[str] | None:
    """What the release requires (PEP 508); None when nothing is known of it."""
    metadata = session.scalar(
        select(Release.core_metadata).where(Release.package_id == name, Release.version == version)
    )
    return list(metadata.get("requires_dist", ())) if metadata else None


def file_states(session: Session, file_ids: Iterable[int]) -> dict[int, FileState]:
    """What is held of these mirrored files now; those that are gone are left out."""
    found = {}
    for some in _batched(file_ids):
        rows = session.execute(
            select(
                File.id, File.size, File.storage_key, MirrorFile.metadata_kept, MirrorFile.pinned
            )
            .join(MirrorFile, MirrorFile.file_id == File.id)
            .where(File.id.in_(some))
        )
        for file_id, size, key, metadata_kept, pinned in rows:
            found[file_id] = FileState(size, key is not None, metadata_kept, pinned)
    return found


def pin(session: Session, file_ids: Iterable[int]) -> set[int]:
    """Let these mirrored files stay however little room is left, inside of a transaction.

    Returns:
        Those of which that is new.
    """
    new: set[int] = set()
    for some in _batched(file_ids):
        loose = select(MirrorFile.file_id).where(
            MirrorFile.file_id.in_(some), MirrorFile.pinned.is_(False)
        )
        new |= set(session.scalars(loose))
    _set_pinned(session, new, is_pinned=True)
    return new


def let_go(session: Session, file_ids: Iterable[int]) -> None:
    """Take that back, inside of a transaction."""
    _set_pinned(session, file_ids, is_pinned=False)


def unpin(session: Session, package_id: str) -> int:
    """Let go of the pinned files of the package; give how many those were."""
    of_package = (
        select(File.id)
        .join(Release, Release.id == File.release_id)
        .where(Release.package_id == package_id)
    )
    pinned = select(MirrorFile.file_id).where(MirrorFile.file_id.in_(of_package), MirrorFile.pinned)
    file_ids = session.scalars(pinned).all()
    let_go(session, file_ids)
    return len(file_ids)


def _set_pinned(session: Session, file_ids: Iterable[int], *, is_pinned: bool) -> None:
    for some in _batched(file_ids):
        session.execute(
            update(MirrorFile).where(MirrorFile.file_id.in_(some)).values(pinned=is_pinned)
        )


def _batched(file_ids: Iterable[int]) -> Iterator[Sequence[int]]:
    together = sorted(set(file_ids))
    return (together[at : at + _BATCH] for at in range(0, len(together), _BATCH))


def _release(rows: list[_Row], bars: _Bars) -> KnownRelease:
    first = rows[0]
    return KnownRelease(
        version=first.version,
        files=[_file(row, bars) for row in rows if row.id is not None],
        yanked=first.yanked,
    )


def _file(row: _Row, bars: _Bars) -> KnownFile:
    return KnownFile(
        file_id=row.id,
        filename=row.filename,
        is_wheel=row.packagetype == "bdist_wheel",
        tags=row.tags,
        size=row.size,
        sha256=row.sha256,
        requires_python=row.requires_python,
        is_held=row.storage_key is not None,
        has_metadata=row.mirrored is not None and row.metadata_is_static,
        metadata_is_held=bool(row.metadata_kept),
        yanked=row.file_yanked is not None,
        bar=bars.of(row),
    )


@dataclass(frozen=True)
class _Bars:
    """What can stand against files of one package."""

    refusals: Mapping[str, Refusal]
    quarantine: Bar | None
    can_be_asked: bool
    now: datetime

    def of(self, row: _Row) -> Bar | None:
        if self.quarantine is not None:
            return self.quarantine
        if row.held_reason is not None:
            return Bar(row.held_reason)
        if (refusal := self.refusals.get(row.filename)) is not None:
            return Bar(refusal.reason, refusal.until)
        if row.storage_key is not None:
            return None
        fault = self._fault(row)
        return None if fault is None else Bar(fault, is_withheld=False)

    def _fault(self, row: _Row) -> str | None:
        if row.mirrored is None:
            return "its bytes are not held here"
        if row.refused is not None and (row.retry_at is None or row.retry_at > self.now):
            return str(row.refused)
        if row.vanished_at is not None:
            return "upstream does not list it any more"
        return None if self.can_be_asked else "no upstream is asked for it, and it is not held"
