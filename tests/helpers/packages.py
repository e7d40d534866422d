"""Rows of packages, releases and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import Version
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.events.models import Action, Event
from packslip.packages.models import File, Maintainer, MaintainerRole, Package, Release


def add_package(session: Session, name: str = "demo", **values: Any) -> Package:
    """A package without a release."""
    package = Package(**{"id": canonicalize_name(name), "name": name, "serial": 7} | values)
    session.add(package)
    session.commit()
    return package


def add_event(session: Session, package: Package) -> None:
    """The event that the package's serial is the number of."""
    event = Event(
        id=package.serial, action=Action.FILE_UPLOAD, actor_name="ada", package_id=package.id
    )
    session.merge(event)
    session.commit()


def add_release(session: Session, package: Package, version: str = "1.0", **values: Any) -> Release:
    """A release without a file; its sort key orders simple versions as they should be."""
    parsed = Version(version)
    numbers = ".".join(f"{number:04}" for number in (parsed.major, parsed.minor, parsed.micro))
    defaults: dict[str, Any] = {
        "package_id": package.id,
        "version": version,
        "canonical_version": canonicalize_version(version),
        "sort_key": numbers + ("a" if parsed.is_prerelease else "f"),
        "is_prerelease": parsed.is_prerelease,
    }
    if values.get("yanked"):
        # As if an import had told it: nothing acts on the package.
        defaults |= {
            "upstream_yanked": True,
            "upstream_yanked_reason": values.get("yanked_reason"),
        }
    release = Release(**defaults | values)
    session.add(release)
    session.commit()
    return release


def add_file(session: Session, release: Release, filename: str, **values: Any) -> File:
    """A file of the release; its row says that its bytes are held, but they are not there."""
    digest = sha256(filename.encode()).hexdigest()
    wheel = filename.endswith(".whl")
    defaults: dict[str, Any] = {
        "release_id": release.id,
        "filename": filename,
        "packagetype": "bdist_wheel" if wheel else "sdist",
        "tags": filename.removesuffix(".whl").split("-", 2)[2] if wheel else "source",
        "size": 1234,
        "sha256": digest,
        "uploaded_at": datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
        "storage_key": f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{filename}",
    }
    file = File(**defaults | values)
    session.add(file)
    session.commit()
    return file


def add_demo(session: Session, name: str = "demo", **values: Any) -> Package:
    """A package with one release and one wheel, and the event that brought them."""
    package = add_package(session, name, **values)
    add_event(session, package)
    release = add_release(session, package)
    add_file(session, release, f"{package.id.replace('-', '_')}-1.0-py3-none-any.whl")
    return package


def add_releases(
    session: Session,
    name: str,
    releases: Mapping[str, Sequence[str]] | None = None,
    owner: User | None = None,
) -> Package:
    """A package of that owner with releases: version by version the names of their files."""
    package = add_package(session, name, serial=0)
    for version, filenames in (releases or {}).items():
        release = add_release(session, package, version, size=1234 * len(filenames))
        for filename in filenames:
            add_file(session, release, filename)
    if owner is not None:
        session.add(Maintainer(user=owner, package=package, role=MaintainerRole.OWNER))
        session.commit()
    return package
