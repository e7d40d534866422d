"""Reading packages, releases, files and maintainers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packaging.utils import canonicalize_name
from sqlalchemy import Select, String, bindparam, cast, func, select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from packslip.accounts.models import User
from packslip.errors import NotFoundError
from packslip.packages.models import (
    File,
    Maintainer,
    MaintainerRole,
    Package,
    PackageInvitation,
    Release,
)
from packslip.packages.roles import is_owned_by_team
from packslip.packages.versions import canonical

# Made once: that takes longer than running them.
_MAINTAINERS = (
    select(Maintainer)
    .join(Maintainer.user)
    .options(contains_eager(Maintainer.user))
    .where(Maintainer.package_id == bindparam("package_id"))
    .order_by(Maintainer.role.desc(), User.username)
)
_RELEASE_COUNT = (
    select(func.count()).select_from(Release).where(Release.package_id == bindparam("package_id"))
)


class UnknownPackageError(NotFoundError):
    """There is no such package; perhaps one with a name like it was meant."""

    def __init__(self, name: str, nearest: Sequence[str] = ()) -> None:
        meant = " or ".join(repr(other) for other in nearest)
        hint = f" Did you mean {meant}?" if meant else ""
        super().__init__(f"There is no package {name!r}.{hint}")
        self.name = name
        self.links = [(f"/project/{other}/", other) for other in nearest]


class UnknownReleaseError(NotFoundError):
    """The package has no such release."""

    def __init__(self, package_id: str, version: str) -> None:
        super().__init__(f"The package {package_id!r} has no release {version!r}.")
        self.links = [(f"/project/{package_id}/releases/", f"All releases of {package_id}")]
        self.package_id = package_id
        self.version = version


class UnknownFileError(NotFoundError):
    """The package has no such file."""

    def __init__(self, package_id: str, filename: str) -> None:
        super().__init__(f"The package {package_id!r} has no such file {filename!r}.")
        self.package_id = package_id
        self.filename = filename


class UnknownPackageInvitationError(NotFoundError):
    """The user is not invited to look after the package, or not any more."""

    def __init__(self, package_id: str, username: str) -> None:
        super().__init__(f"There is no open invitation of {username!r} to {package_id!r}.")
        self.package_id = package_id
        self.username = username


class UnknownMaintainerError(NotFoundError):
    """The user does not look after the package."""

    def __init__(self, package_id: str, username: str) -> None:
        super().__init__(f"{username!r} is no maintainer of the package {package_id!r}.")
        self.package_id = package_id
        self.username = username


def get_package(
    session: Session, name: str, *, lock: bool = False, without_texts: bool = False
) -> Package:
    """The package of that name, however it is spelt (PEP 503).

    With `lock` nobody else changes it, or who looks after it, until the transaction ends.
    With `without_texts` its description is read only when it is asked for.

    Raises:
        UnknownPackageError: there is none.
    """
    package = session.get(
        Package,
        canonicalize_name(name),
        with_for_update=lock or None,
        options=[defer(Package.description)] if without_texts else (),
    )
    if package is None:
        raise UnknownPackageError(name)
    return package


def has_packages(session: Session) -> bool:
    """Whether the index holds any package."""
    return session.scalar(select(Package.id).limit(1)) is not None


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


def get_release(
    session: Session, package: Package, version: str, *, without_texts: bool = False
) -> Release:
    """The package's release of that version; 1.0 and 1.0.0 are one (PEP 440).

    With `without_texts` its metadata is read only when it is asked for.

    Raises:
        UnknownReleaseError: there is none.
    """
    # PostgreSQL refuses NUL in whatever is compared with a text.
    if "\0" in version:
        raise UnknownReleaseError(package.id, version)
    release = session.scalar(
        select(Release)
        .where(
            Release.package_id == package.id,
            Release.canonical_version == canonical(version),
        )
        .options(*_texts(without_texts))
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


#: As `precedence` says.
_BY_PRECEDENCE = (Release.yanked, Release.is_prerelease, Release.sort_key.desc())


def by_precedence(package_id: str) -> Select[Release]:
    """The releases of the package, that which speaks for it first."""
    return select(Release).where(Release.package_id == package_id).order_by(*_BY_PRECEDENCE)


def latest_release(
    session: Session, package_id: str, *, without_texts: bool = False
) -> Release | None:
    """The release that speaks for a package, found by the database alone.

    With `without_texts` its metadata is read only when it is asked for.
    """
    query = _LATEST_WITHOUT_TEXTS if without_texts else _LATEST
    return session.scalar(query, {"package_id": package_id})


def latest_described_release(session: Session, package_id: str) -> Release | None:
    """The release with metadata that speaks for a package.

    Of imported releases often one alone has metadata.
    """
    described = cast(Release.core_metadata, String) != "{}"
    return session.scalar(by_precedence(package_id).where(described).limit(1))


_LATEST = (
    select(Release)
    .where(Release.package_id == bindparam("package_id"))
    .order_by(*_BY_PRECEDENCE)
    .limit(1)
)
_LATEST_WITHOUT_TEXTS = _LATEST.options(defer(Release.core_metadata))


def count_releases(session: Session, package_id: str) -> int:
    """How many releases the package has."""
    return session.scalar(_RELEASE_COUNT, {"package_id": package_id}) or 0


def known_packages(session: Session, package_ids: Iterable[str]) -> set[str]:
    """Those of the normalised names that packages here have; ask for some hundred at most."""
    return set(session.scalars(select(Package.id).where(Package.id.in_(sorted(package_ids)))))


def _texts(without: bool) -> list[ORMOption]:
    return [defer(Release.core_metadata)] if without else []


def list_maintainers(session: Session, package: Package) -> Sequence[Maintainer]:
    """Who looks after the package, with their users: owners first, then by username."""
    return session.scalars(_MAINTAINERS, {"package_id": package.id}).all()


def find_maintainer(session: Session, package_id: str, user: User) -> Maintainer | None:
    """The user's part in the package; None when they have none."""
    return session.get(Maintainer, (user.id, package_id), populate_existing=True)


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
    """Whether the package would have no owner without this one.

    A team that owns it is one, whoever is in it. Owners who are disabled can do nothing, so they
    count only beside one who is disabled too.
    """
    others = (
        select(Maintainer.user_id)
        .join(Maintainer.user)
        .where(
            Maintainer.package_id == maintainer.package_id,
            Maintainer.role == MaintainerRole.OWNER,
            Maintainer.user_id != maintainer.user_id,
        )
    )
    if maintainer.user.disabled_at is None:
        others = others.where(User.disabled_at.is_(None))
    if maintainer.role != MaintainerRole.OWNER or session.scalar(others.limit(1)) is not None:
        return False
    return not is_owned_by_team(session, maintainer.package)


def list_package_invitations(session: Session, package: Package) -> Sequence[PackageInvitation]:
    """The open invitations to look after the package, by username."""
    statement = (
        select(PackageInvitation)
        .join(PackageInvitation.user)
        .options(selectinload(PackageInvitation.user), selectinload(PackageInvitation.invited_by))
        .where(PackageInvitation.package_id == package.id)
        .order_by(User.username)
    )
    return session.scalars(statement).all()


def list_invitations_of(session: Session, user: User) -> Sequence[PackageInvitation]:
    """The user's open invitations to look after packages, by package."""
    statement = (
        select(PackageInvitation)
        .options(
            joinedload(PackageInvitation.package).defer(Package.description),
            joinedload(PackageInvitation.invited_by),
        )
        .where(PackageInvitation.user_id == user.id)
        .order_by(PackageInvitation.package_id)
    )
    return session.scalars(statement).all()


def find_package_invitation(
    session: Session, package_id: str, user: User
) -> PackageInvitation | None:
    """The user's open invitation to the package; None when there is none."""
    return session.get(PackageInvitation, (user.id, package_id), populate_existing=True)


def get_package_invitation(session: Session, package: Package, user: User) -> PackageInvitation:
    """The user's open invitation to the package.

    Raises:
        UnknownPackageInvitationError: there is none.
    """
    invitation = find_package_invitation(session, package.id, user)
    if invitation is None:
        raise UnknownPackageInvitationError(package.id, user.username)
    return invitation
