"""What stands at the top of every page of a package."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.packages import queries
from packslip.packages.access import Rights, rights_of
from packslip.packages.models import Package, Release
from packslip.packages.nearest_names import nearest_names
from packslip.subscriptions.queries import is_watching


@dataclass(frozen=True)
class Head:
    """A package, and the release of it that a page is about."""

    package: Package
    #: None while there is no release.
    release: Release | None
    #: The release that speaks for the package.
    latest: Release | None
    #: How many releases there are.
    releases: int
    #: What the reader may do with the package.
    rights: Rights
    #: Whether the page's address names the release.
    is_pinned: bool
    summary: str
    #: Whether the reader watches the package; None when nobody is logged in.
    is_watched: bool | None = None

    @property
    def is_latest(self) -> bool:
        """Whether the release is the one that speaks for the package."""
        return self.release is self.latest

    @property
    def is_outdated(self) -> bool:
        """Whether the release that speaks for the package is a newer one."""
        if self.release is None or self.latest is None:
            return False
        return self.release.sort_key < self.latest.sort_key

    @property
    def must_be_pinned(self) -> bool:
        """Whether installers take the release only if they are told its version."""
        release = self.release
        if release is None:
            return False
        return self.is_pinned or release.yanked or release.is_prerelease or not self.is_latest

    @property
    def version(self) -> str | None:
        """The version that pages of the same release have in their address."""
        return self.release.version if self.release and self.is_pinned else None


def read_head(
    session: Session,
    user: User | None,
    name: str,
    version: str | None = None,
    *,
    with_texts: bool = False,
) -> Head:
    """The head of a page about the package's latest release, or about the one of that version.

    Without texts, descriptions and metadata are read only when they are asked for. It takes the
    same number of statements for every package.

    Raises:
        UnknownPackageError: there is no such package.
        UnknownReleaseError: it has no such release.
    """
    package = _package(session, name)
    if version is None:
        latest = queries.latest_release(session, package.id, without_texts=not with_texts)
        release = latest
    else:
        release = queries.get_release(session, package, version, without_texts=not with_texts)
        latest = queries.latest_release(session, package.id, without_texts=True)
    told = release.core_metadata.get("summary") if release and with_texts else None
    return Head(
        package=package,
        release=release,
        latest=latest,
        releases=queries.count_releases(session, package.id),
        rights=rights_of(session, user, package),
        is_pinned=version is not None,
        summary=told or package.summary,
        is_watched=None if user is None else is_watching(session, user, package.id),
    )


def _package(session: Session, name: str) -> Package:
    try:
        return queries.get_package(session, name, without_texts=True)
    except queries.UnknownPackageError:
        raise queries.UnknownPackageError(name, nearest_names(session, name)) from None
