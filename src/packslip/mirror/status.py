"""How the mirror is doing: what is known, what is kept, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from packslip.mirror.current import Mirror
from packslip.mirror.models import MirrorFile, MirrorPage
from packslip.mirror.room import used_room
from packslip.mirror.upstream_states import UpstreamState, upstream_states
from packslip.packages.models import File, Origin, Package, Release
from packslip.settings import Settings

#: Pages and files with trouble that are named at most.
NAMED = 100


@dataclass(frozen=True)
class NamesState:
    """The list of an upstream's names, as it is kept here."""

    #: None while there is none.
    count: int | None
    taken_at: datetime | None


@dataclass(frozen=True)
class FailingPage:
    """A package for which upstream could not be asked when it was asked last."""

    package: str
    failed_at: datetime
    failure: str


@dataclass(frozen=True)
class RefusedFile:
    """A file that is not served."""

    package: str
    filename: str
    reason: str
    #: From when it may be asked for again; None while it may not be at all.
    retry_at: datetime | None


@dataclass(frozen=True)
class MirrorStatus:
    """How the mirror is doing."""

    upstreams: Sequence[tuple[UpstreamState, NamesState]]
    packages: int
    files: int
    kept_files: int
    #: Bytes of these.
    kept_size: int
    #: Bytes that they may have; None without a limit.
    limit: int | None
    #: Files that upstream lists no more.
    vanished_files: int
    #: How many pages fail, and the first of them.
    failing: int
    failing_pages: Sequence[FailingPage]
    refused: int
    refused_files: Sequence[RefusedFile]
    #: Names of hosted packages that upstream has too, with the upstream's name.
    shared_names: Sequence[tuple[str, str]]


def mirror_status(
    session: Session, mirror: Mirror, settings: Settings, now: datetime
) -> MirrorStatus:
    """How the mirror is doing now. No upstream is asked."""
    is_mirrored = Package.origin == Origin.MIRRORED
    held = (MirrorFile.kept_at.is_not(None), File.storage_key.is_not(None))
    kept = select(func.count()).select_from(MirrorFile).join(MirrorFile.file).where(*held)
    refused = MirrorFile.refused.is_not(None)
    return MirrorStatus(
        upstreams=list(_upstreams(session, mirror, settings, now)),
        packages=_count(session, select(func.count()).select_from(Package).where(is_mirrored)),
        files=_count(session, select(func.count()).select_from(MirrorFile)),
        kept_files=_count(session, kept),
        kept_size=used_room(session),
        limit=settings.mirror_size,
        vanished_files=_count(
            session,
            select(func.count(MirrorFile.file_id)).where(MirrorFile.vanished_at.is_not(None)),
        ),
        failing=_count(
            session,
            select(func.count()).select_from(MirrorPage).where(MirrorPage.failure.is_not(None)),
        ),
        failing_pages=_failing(session),
        refused=_count(session, select(func.count(MirrorFile.file_id)).where(refused)),
        refused_files=_refused(session),
        shared_names=shared_names(session, mirror),
    )


def shared_names(session: Session, mirror: Mirror) -> list[tuple[str, str]]:
    """Hosted packages whose names an upstream has too, each with the first such upstream.

    Who installs from both indexes gets either of the two.
    """
    hosted = session.scalars(
        select(Package.id).where(Package.origin == Origin.HOSTED).order_by(Package.id)
    ).all()
    found: dict[str, str] = {}
    for upstream in mirror.upstreams:
        for name in mirror.names_of(upstream).among(hosted):
            found.setdefault(name, upstream.name)
    return sorted(found.items())


def _upstreams(
    session: Session, mirror: Mirror, settings: Settings, now: datetime
) -> Iterator[tuple[UpstreamState, NamesState]]:
    states = {state.name: state for state in upstream_states(session, settings, now)}
    for upstream in mirror.upstreams:
        names = mirror.names_of(upstream)
        taken_at = names.taken_at
        count = None if taken_at is None else len(names)
        yield states[upstream.name], NamesState(count, taken_at)


def _failing(session: Session) -> list[FailingPage]:
    rows = session.execute(
        select(MirrorPage.package_id, MirrorPage.failed_at, MirrorPage.failure)
        .where(MirrorPage.failure.is_not(None), MirrorPage.failed_at.is_not(None))
        .order_by(MirrorPage.failed_at.desc(), MirrorPage.package_id)
        .limit(NAMED)
    )
    return [FailingPage(name, at, why) for name, at, why in rows if at and why]


def _refused(session: Session) -> list[RefusedFile]:
    rows = session.execute(
        select(Release.package_id, File.filename, MirrorFile.refused, MirrorFile.retry_at)
        .join(File, File.id == MirrorFile.file_id)
        .join(Release, Release.id == File.release_id)
        .where(MirrorFile.refused.is_not(None))
        .order_by(Release.package_id, File.filename)
        .limit(NAMED)
    )
    return [
        RefusedFile(package, filename, why or "", retry_at)
        for package, filename, why, retry_at in rows
    ]


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(query) or 0
