"""What the pages show."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, defer

from packslip.accounts.models import Token, User
from packslip.db import Base, BigId, UTCDateTime
from packslip.downloads.models import Download
from packslip.downloads.queries import total_downloads
from packslip.events.models import Action, Event
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.roles import highest_roles

#: Databases count row by row. From so many on that is done only once in so many seconds.
LARGE = 10_000
COUNTED_FOR = 60.0

# Made once: that takes longer than running them.
_COUNTS: dict[type[Base], Select[int]] = {
    model: select(func.count()).select_from(model) for model in (Package, Release, User)
}
_NEWEST = (
    select(Package.id, Package.name, Release.version, Package.summary, Release.created_at)
    .join(Release.package)
    .where(Release.origin == Origin.HOSTED)
    .order_by(Release.created_at.desc(), Release.id.desc())
    .limit(bindparam("limit"))
)
_ROLES = highest_roles(bindparam("user_id", type_=BigId)).subquery()
_MINE = (
    select(Package, _ROLES.c.role)
    .join(_ROLES, _ROLES.c.package_id == Package.id)
    .options(defer(Package.description))
    .order_by(Package.updated_at.desc(), Package.id)
    .limit(bindparam("limit"))
)

_known_counts: WeakKeyDictionary[Engine, dict[type[Base], tuple[float, int]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Counts:
    """How much the index holds."""

    packages: int
    releases: int
    users: int
    downloads: int


@dataclass(frozen=True)
class ReleaseRow:
    """One release in a list or feed."""

    package: str
    #: The package's name as its owner spells it.
    name: str
    version: str
    summary: str
    created_at: datetime


@dataclass(frozen=True)
class PackageRow:
    """One package in a list or feed."""

    package: str
    name: str
    summary: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class FirstSteps:
    """Which of the first steps the server has seen somebody do."""

    #: The user has made a token.
    token: bool
    #: The user has uploaded a file.
    upload: bool
    #: Somebody has downloaded a file.
    install: bool


def counts(session: Session) -> Counts:
    """Count what the index holds. Large numbers may be a minute old."""
    packages, releases, users = (_counted(session, model) for model in (Package, Release, User))
    return Counts(packages, releases, users, total_downloads(session))


def _counted(session: Session, model: type[Base]) -> int:
    known = _known_counts.setdefault(session.get_bind().engine, {})
    counted_at, number = known.get(model, (0.0, 0))
    if number < LARGE or time.monotonic() - counted_at > COUNTED_FOR:
        number = session.scalar(_COUNTS[model]) or 0
        known[model] = (time.monotonic(), number)
    return number


def newest_releases(session: Session, limit: int) -> Sequence[ReleaseRow]:
    """The releases that were published here last.

    What upstreams publish is no news of the team's: see `newest_releases_of`.
    """
    return [ReleaseRow(*row) for row in session.execute(_NEWEST, {"limit": limit})]


def newest_releases_of(session: Session, package: str, limit: int) -> Sequence[ReleaseRow]:
    """The releases of one package that came last, wherever they were published.

    Mirrored releases are all taken in at once; when their first files came tells them apart.
    """
    came = select(func.min(File.uploaded_at)).where(File.release_id == Release.id)
    at = func.coalesce(came.scalar_subquery(), Release.created_at, type_=UTCDateTime())
    query = (
        select(Package.id, Package.name, Release.version, Package.summary, at)
        .join(Release.package)
        .where(Release.package_id == package)
        .order_by(at.desc(), Release.sort_key.desc())
        .limit(limit)
    )
    return [ReleaseRow(*row) for row in session.execute(query)]


def newest_packages(session: Session, limit: int) -> Sequence[PackageRow]:
    """The packages that were published here last."""
    query = (
        select(Package.id, Package.name, Package.summary, Package.created_at, Package.updated_at)
        .where(Package.origin == Origin.HOSTED)
        .order_by(Package.created_at.desc(), Package.id)
        .limit(limit)
    )
    return [PackageRow(*row) for row in session.execute(query)]


def count_packages(session: Session, readable: Collection[str] | None) -> int:
    """How many hosted packages there are, of those in `readable`; None stands for all."""
    query = select(func.count()).select_from(Package).where(_is_listed(readable))
    return session.scalar(query) or 0


def list_package_pages(
    session: Session, readable: Collection[str] | None, *, offset: int, limit: int
) -> list[tuple[str, str]]:
    """Hosted packages in the order of their names, each with the day (UTC) of its last change."""
    query = (
        select(Package.id, Package.updated_at)
        .where(_is_listed(readable))
        .order_by(Package.id)
        .offset(offset)
        .limit(limit)
    )
    return [(package_id, at.date().isoformat()) for package_id, at in session.execute(query)]


def _is_listed(readable: Collection[str] | None) -> ColumnElement[bool]:
    is_hosted = Package.origin == Origin.HOSTED
    return is_hosted if readable is None else is_hosted & Package.id.in_(readable)


def packages_of(session: Session, user: User, limit: int) -> Sequence[tuple[Package, str]]:
    """Packages that the user looks after, with their role, the one changed last first."""
    found = session.execute(_MINE, {"user_id": user.id, "limit": limit})
    return [(package, role) for package, role in found]


def first_steps(session: Session, user: User) -> FirstSteps:
    """How far the user has come."""
    uploads = (Event.actor_id == user.id) & (Event.action == Action.FILE_UPLOAD)
    seen = (
        exists().where(Token.user_id == user.id),
        exists().where(uploads),
        exists(select(Download.id)),
    )
    return FirstSteps(*session.execute(select(*seen)).one())
