"""Taking packages, releases and files away for good.

Each function removes rows and gives the storage keys of the bytes that nothing needs any more.
The caller deletes those after the commit: before it, a failure would leave rows without bytes.
The filenames stay registered, so that other bytes can never come under an old name.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.latest import refresh_texts
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.operations import touch
from packslip.storage.protocol import kept_metadata_key, metadata_key


def remove_package(session: Session, actor: Actor, package: Package) -> list[str]:
    """Remove the package with all its releases, files and maintainers.

    Its name is free then: whoever uploads to it first owns it.
    """
    files = [file for release in package.releases for file in release.files]
    data = {
        "name": package.name,
        "versions": [release.version for release in package.releases],
        "filenames": [file.filename for file in files],
        "maintainers": [
            {"username": one.user.username, "role": one.role} for one in package.maintainers
        ],
    }
    record(session, actor, Action.PACKAGE_REMOVE, package_id=package.id, data=data)
    session.delete(package)
    session.flush()
    return _keys(package, files)


def remove_release(session: Session, actor: Actor, release: Release) -> list[str]:
    """Remove the release with its files. The package stays with its owners, even when empty."""
    package, files = release.package, list(release.files)
    data = {"version": release.version, "filenames": [file.filename for file in files]}
    session.delete(release)
    event = record(session, actor, Action.RELEASE_REMOVE, package_id=package.id, data=data)
    session.expire(package, ["releases"])
    touch(session, package, event)
    refresh_texts(session, package)
    return _keys(package, files)


def remove_file(session: Session, actor: Actor, file: File) -> list[str]:
    """Remove one file, and with the last file of a release the release too."""
    release = file.release
    data = {"version": release.version, "filename": file.filename, "sha256": file.sha256}
    event = record(session, actor, Action.FILE_REMOVE, package_id=release.package_id, data=data)
    if len(release.files) == 1:
        return remove_release(session, actor, release)
    session.delete(file)
    release.size -= file.size
    touch(session, release.package, event)
    session.expire(release, ["files"])
    return _keys(release.package, [file])


def _keys(package: Package, files: list[File]) -> list[str]:
    keys = []
    for file in files:
        if file.storage_key is not None:
            keys.append(file.storage_key)
            if file.metadata_sha256 is not None:
                keys.append(metadata_key(file.storage_key))
        if package.origin == Origin.MIRRORED and file.metadata_sha256 is not None:
            # It may be here without the bytes, and has a key of its own.
            keys.append(kept_metadata_key(file.metadata_sha256, file.filename))
    return keys
