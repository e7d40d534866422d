"""What stands at the top of every page of a package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.packages import queries
from packslip.packages.access import Rights, rights_of
from packslip.packages.models import Origin, Package, Release
from packslip.packages.nearest_names import nearest_names
from packslip.subscriptions.queries import find_watch

_EXTENSION = "packslip_heads"


@dataclass(frozen=True)
class Choice:
    """What speaks for a package of which installers cannot have the latest release."""

    #: The version that they get; None when there is none.
    version: str | None
    #: Why they cannot have the latest, as one sentence, if a rule is against it.
    reason: str | None
    #: From when on they can, as far as that can be said.
    until: datetime | None


#: Is given the latest release of a mirrored package; gives None when installers can have it.
Choose = Callable[[Session, Release], Choice | None]


@dataclass(frozen=True)
class KeptBack:
    """The release that would speak for the package if installers could have it."""

    version: str
    reason: str | None
    until: datetime | None


@dataclass(frozen=True)
class Head:
    """A package, and the release of it that a page is about."""

    package: Package
    #: None while there is no release.
    release: Release | None
    #: The release that speaks for the package: of those that installers can have, if any.
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
    #: Whether they are told of new upstream releases, too.
    is_told_of_releases: bool = False
    kept_back: KeptBack | None = None

    @property
    def is_latest(self) -> bool:
        """Whether the release is the one that speaks for the package."""
        return self.release is self.latest

    @property
    def is_kept_back(self) -> bool:
        """Whether the release is the latest one, and installers cannot have it."""
        release, kept_back = self.release, self.kept_back
        return bool(release and kept_back and release.version == kept_back.version)

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
    same number of statements for every package, and a few more when installers cannot have the
    latest release.

    Raises:
        UnknownPackageError: there is no such package.
        UnknownReleaseError: it has no such release.
    """
    package = _package(session, name)
    is_pinned = version is not None
    latest, kept_back = _latest(session, package, without_texts=is_pinned or not with_texts)
    release = latest
    if version is not None:
        release = queries.get_release(session, package, version, without_texts=not with_texts)
    watch = None if user is None else find_watch(session, user, package.id)
    told = release.core_metadata.get("summary") if release and with_texts else None
    return Head(
        package=package,
        release=release,
        latest=latest,
        releases=queries.count_releases(session, package.id),
        rights=rights_of(session, user, package),
        is_pinned=is_pinned,
        summary=told or package.summary,
        is_watched=None if user is None else watch is not None,
        is_told_of_releases=watch is not None and watch.of_releases,
        kept_back=kept_back,
    )


def init_app(app: Flask, choose: Choose) -> None:
    """Let `choose` say of which mirrored releases installers can have none."""
    app.extensions[_EXTENSION] = choose


def _latest(
    session: Session, package: Package, *, without_texts: bool
) -> tuple[Release | None, KeptBack | None]:
    latest = queries.latest_release(session, package.id, without_texts=without_texts)
    if latest is None or package.origin != Origin.MIRRORED:
        return latest, None
    choice = cast("Choose", current_app.extensions[_EXTENSION])(session, latest)
    if choice is None:
        return latest, None
    kept_back = KeptBack(latest.version, choice.reason, choice.until)
    if choice.version is not None:
        latest = queries.get_release(session, package, choice.version, without_texts=without_texts)
    return latest, kept_back


def _package(session: Session, name: str) -> Package:
    try:
        return queries.get_package(session, name, without_texts=True)
    except queries.UnknownPackageError:
        raise queries.UnknownPackageError(name, nearest_names(session, name)) from None
