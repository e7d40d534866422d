"""Reading packages, releases, files and maintainers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packaging.utils import canonicalize_name
from sqlalchemy import Select, String, cast, select
from sqlalchemy.orm import Session, defer, selectinload

from packslip.accounts.models import User
from packslip.errors import NotFoundError
from packslip.packages.models import File, Maintainer, MaintainerRole, Package, Release
from packslip.packages.versions import canonical


class UnknownPackageError(NotFoundError):
    """There is no such package."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no package {name!r}.")
        self.name = name


class UnknownReleaseError(NotFoundError):
    """The package has no such release."""

    def __init__(self, package_id: str, version: str) -> None:
        super().__init__(f"The package {package_id!r} has no release {version!r}.")
        self.package_id = package_id
        self.version = version


class UnknownFileError(NotFoundError):
    """The package has no such file."""

    def __init__(self, package_id: str, filename: str) -> None:
        super().__init__(f"The package {package_id!r} has no such file {filename!r}.")
        self.package_id = package_id
        self.filename = filename


class UnknownMaintainerError(NotFoundError):
    """The user does not look after the package."""

    def __init__(self, package_id: str, username: str) -> None:
        super().__init__(f"{username!r} is no maintainer of the package {package_id!r}.")
        self.package_id = package_id
        self.username = username


def get_package(session: Session, name: str) -> Package:
    """The package of that name, however it is spelt (PEP 503).

    Raises:
        UnknownPackageError: there is none.
    """
    package = session.get(Package, canonicalize_name(name))
    if package is None:
        raise UnknownPackageError(name)
    return package


def list_packages(session: Session) -> Sequence[Package]:
    """All packages by normalised name, with their releases and files, without long texts."""
    releases = selectinload(Package.releases)
    statement = (
        select(Package)
        .options(
            defer(Package.description),
            releases.defer(Release.core_metadata),
            releases.selectinload(Release.files),
        )
        .order_by(Package.id)
    )
    return session.scalars(statement).all()


def get_release(session: Session, package: Package, version: str) -> Release:
    """The package's release of that version; 1.0 and 1.0.0 are one (PEP 440).

    Raises:
        UnknownReleaseError: there is none.
    """
    release = session.scalar(
        select(Release).where(
            Release.package_id == package.id,
            Release.canonical_version == canonical(version),
        )
    )
    if release is None:
        raise UnknownReleaseError(package.id, version)
    return release


def get_file(session: Session, package: Package, filename: str) -> File:
    """The package's file of that name.

    Raises:
        UnknownFileError: there is none.
    """
    file = session.scalar(
        select(File)
        .join(File.release)
        .where(Release.package_id == package.id, File.filename == filename)
    )
    if file is None:
        raise UnknownFileError(package.id, filename)
    return file


def package_latest_release(releases: Iterable[Release]) -> Release | None:
    """The release that speaks for a package; None when there is none.

    It is the highest one that is neither yanked nor a pre-release. Without such a one a
    pre-release speaks, and without that a yanked one.
    """
    return max(releases, key=precedence, default=None)


def precedence(release: Release) -> tuple[bool, bool, str]:
    """By what releases vie to speak for their package: the greatest does."""
    return not release.yanked, not release.is_prerelease, release.sort_key


def latest_release(session: Session, package_id: str) -> Release | None:
    """The release that speaks for a package, found by the database alone."""
    return session.scalar(_by_precedence(package_id).limit(1))


def latest_described_release(session: Session, package_id: str) -> Release | None:
    """The release with metadata that speaks for a package.

    Of imported releases often one alone has metadata.
    """
    described = cast(Release.core_metadata, String) != "{}"
    return session.scalar(_by_precedence(package_id).where(described).limit(1))


def _by_precedence(package_id: str) -> Select[Release]:
    return (
        select(Release)
        .where(Release.package_id == package_id)
        # As `precedence` says.
        .order_by(Release.yanked, Release.is_prerelease, Release.sort_key.desc())
    )


def list_maintainers(session: Session, package: Package) -> Sequence[Maintainer]:
    """Who looks after the package, with their users: owners first, then by username."""
    statement = (
        select(Maintainer)
        .join(Maintainer.user)
        .options(selectinload(Maintainer.user))
        .where(Maintainer.package_id == package.id)
        .order_by(Maintainer.role.desc(), User.username)
    )
    return session.scalars(statement).all()


def find_maintainer(session: Session, package_id: str, user: User) -> Maintainer | None:
    """The user's part in the package; None when they have none."""
    return session.get(Maintainer, (user.id, package_id))


def get_maintainer(session: Session, package: Package, user: User) -> Maintainer:
    """The user's part in the package.

    Raises:
        UnknownMaintainerError: they have none.
    """
    maintainer = find_maintainer(session, package.id, user)
    if maintainer is None:
        raise UnknownMaintainerError(package.id, user.username)
    return maintainer


def is_only_owner(session: Session, maintainer: Maintainer) -> bool:
    """Whether the package would have no owner without this one."""
    others = select(Maintainer.user_id).where(
        Maintainer.package_id == maintainer.package_id,
        Maintainer.role == MaintainerRole.OWNER,
        Maintainer.user_id != maintainer.user_id,
    )
    return maintainer.role == MaintainerRole.OWNER and session.scalar(others.limit(1)) is None
