"""What is lost when a package, a release or a file is removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from packaging.requirements import InvalidRequirement, Requirement
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.downloads.queries import Downloaders, recent_downloaders
from packslip.downloads.rollups import RECENT_DAYS
from packslip.packages.models import File, Package, Release
from packslip.packages.queries import count_releases
from packslip.packages.requirements import Dependant, count_dependants, list_dependants
from packslip.packages.versions import parse_version

#: So many packages that require this one are looked at.
DEPENDANTS = 200

#: So many people who downloaded it are named.
NAMED = 20


@dataclass(frozen=True)
class Needing:
    """A package here that requires what goes, by its latest release."""

    package_id: str
    name: str
    #: How it says so.
    text: str
    #: Whether no other release of the package would do.
    is_left_without: bool


@dataclass(frozen=True)
class Loss:
    """What goes, who has used it lately, and who needs it."""

    releases: int
    files: int
    #: In bytes.
    size: int
    downloads: Downloaders
    #: Those who are known, the most frequent first, with their numbers of downloads.
    people: Sequence[tuple[User, int]]
    needing: Sequence[Needing]
    #: Whether more packages require it than were looked at.
    more: bool


def loss_of(session: Session, package: Package, target: Package | Release | File) -> Loss:
    """What is lost with the package itself, a release of it, or a file."""
    since = datetime.now(UTC) - timedelta(days=RECENT_DAYS)
    if isinstance(target, Package):
        downloads = recent_downloaders(session, package.id, since)
        releases = count_releases(session, package.id)
    elif isinstance(target, Release):
        downloads = recent_downloaders(session, package.id, since, release_id=target.id)
        releases = 1
    else:
        downloads = recent_downloaders(session, package.id, since, filename=target.filename)
        releases = int(is_last_file(session, target))
    files, size = _files(session, package, target)
    return Loss(
        releases=releases,
        files=files,
        size=size,
        downloads=downloads,
        people=_people(session, downloads),
        needing=_needing(session, package, target),
        more=count_dependants(session, package.id) > DEPENDANTS,
    )


def is_last_file(session: Session, file: File) -> bool:
    """Whether the file is the only one of its release, which goes with it then."""
    others = select(File.id).where(File.release_id == file.release_id, File.id != file.id)
    return session.scalar(others.limit(1)) is None


def _files(session: Session, package: Package, target: Package | Release | File) -> tuple[int, int]:
    if isinstance(target, File):
        return 1, target.size
    query = select(func.count(), func.coalesce(func.sum(File.size), 0)).select_from(File)
    if isinstance(target, Release):
        query = query.where(File.release_id == target.id)
    else:
        query = query.join(File.release).where(Release.package_id == package.id)
    number, size = session.execute(query).one()
    return number, int(size)


def _people(session: Session, downloads: Downloaders) -> list[tuple[User, int]]:
    ordered = sorted(downloads.by_user.items(), key=lambda item: (-item[1], item[0]))[:NAMED]
    users = session.scalars(select(User).where(User.id.in_([key for key, _ in ordered])))
    by_id = {user.id: user for user in users}
    return [(by_id[key], number) for key, number in ordered if key in by_id]


def _needing(session: Session, package: Package, target: Package | Release | File) -> list[Needing]:
    dependants = list_dependants(session, package.id, DEPENDANTS)
    if isinstance(target, Package):
        return [Needing(one.package_id, one.name, one.text, True) for one in dependants]
    if isinstance(target, File):
        if not dependants or not is_last_file(session, target):
            return []
        target = target.release
    query = select(Release.version).where(Release.package_id == package.id, Release.id != target.id)
    others = session.scalars(query).all() if dependants else []
    return [
        Needing(one.package_id, one.name, one.text, not allows_any(one, others))
        for one in dependants
        if allows_any(one, [target.version])
    ]


def allows_any(dependant: Dependant, versions: Collection[str]) -> bool:
    """Whether one of its requirements is met by one of the versions."""
    known = [version for version in map(parse_version, versions) if version is not None]
    for line in dependant.text.splitlines():
        try:
            specifier = Requirement(line).specifier
        except (InvalidRequirement, RecursionError):
            # The text may have been cut.
            continue
        if any(specifier.contains(version, prereleases=True) for version in known):
            return True
    return False
