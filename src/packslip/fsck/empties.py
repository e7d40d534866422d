"""Releases without files, and packages without releases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Select, exists, select

from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.fsck.findings import Finding, Kind, Place
from packslip.notes.models import Note
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.removal import remove_package, remove_release

#: What rightly leaves a package without a release.
_LEAVES_NOTHING = (
    Action.PACKAGE_IMPORT,
    Action.RELEASE_REMOVE,
    Action.FILE_REMOVE,
    Action.MIRROR_CLAIM,
    Action.MIRROR_FORGET,
)


def check_empties(place: Place) -> Iterator[Finding | None]:
    """Look for those that nobody left so. Upstreams may say what they like of theirs."""
    releases = place.session.execute(_empty_releases()).all()
    packages = place.session.execute(_empty_packages()).all()
    place.session.rollback()
    for release in releases:
        what = f"{release.package_id} {release.version}"
        mend = partial(_remove_release, place, release.id)
        yield Finding(Kind.EMPTY, what, "a release without files", mend, release.package_id)
    for package in packages:
        reason, may = "a package without releases", partial(_remove_package, place, package.id)
        if package.noted:
            yield Finding(Kind.EMPTY, package.id, f"{reason}, with notes", None, package.id)
        else:
            yield Finding(Kind.EMPTY, package.id, reason, may, package.id)
    yield None


def _empty_releases() -> Select[*tuple[Any, ...]]:
    imported = exists().where(
        Event.package_id == Release.package_id, Event.action == Action.PACKAGE_IMPORT
    )
    return (
        select(Release.id, Release.package_id, Release.version)
        .join(Package, Package.id == Release.package_id)
        .where(
            Package.origin == Origin.HOSTED,
            ~exists().where(File.release_id == Release.id),
            ~imported,
        )
        .order_by(Release.id)
    )


def _empty_packages() -> Select[*tuple[Any, ...]]:
    emptied = exists().where(
        Event.package_id == Package.id,
        Event.action.in_(_LEAVES_NOTHING),
        Event.created_at >= Package.created_at,
    )
    return (
        select(Package.id, exists().where(Note.package_id == Package.id).label("noted"))
        .where(
            Package.origin == Origin.HOSTED,
            ~exists().where(Release.package_id == Package.id),
            ~emptied,
        )
        .order_by(Package.id)
    )


def _remove_release(place: Place, release_id: int) -> str | None:
    with write_transaction(place.session) as session:
        # Nothing can come into it before this ends.
        release = session.get(Release, release_id)
        if release is None:
            return None
        session.get(Package, release.package_id, with_for_update=True)
        if session.execute(_empty_releases().where(Release.id == release_id)).first() is None:
            return None
        remove_release(session, place.actor, release)
    return "it was removed"


def _remove_package(place: Place, package_id: str) -> str | None:
    with write_transaction(place.session) as session:
        package = session.get(Package, package_id, with_for_update=True)
        row = session.execute(_empty_packages().where(Package.id == package_id)).first()
        if package is None or row is None or row.noted:
            return None
        remove_package(session, place.actor, package)
    return "it was removed, and its name is free"
