"""The rows of releases and files, made of what distributions say."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.distributions import Distribution
from packslip.packages.filenames import DistributionName, InvalidFilenameError, parse_filename
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.versions import canonical, is_prerelease, normal_form, numbers, sort_key


def new_release(package_id: str, version: str, origin: Origin = Origin.HOSTED) -> Release:
    """A release of that version, with all that follows from it; not yet in a session."""
    major_ver, minor_ver, build_ver = numbers(version)
    return Release(
        package_id=package_id,
        origin=origin,
        version=normal_form(version),
        canonical_version=canonical(version),
        sort_key=sort_key(version),
        is_prerelease=is_prerelease(version),
        major_ver=major_ver,
        minor_ver=minor_ver,
        build_ver=build_ver,
        size=0,
        yanked=False,
        upstream_yanked=False,
        core_metadata={},
    )


def open_release(
    session: Session, actor: Actor, package: Package, distribution: Distribution
) -> Release:
    """The release that the distribution belongs to, made if there is none."""
    version = str(distribution.name.version)
    release = session.scalar(
        select(Release).where(
            Release.package_id == package.id, Release.canonical_version == canonical(version)
        )
    )
    if release is None:
        release = new_release(package.id, version)
        session.add(release)
        data = {"version": release.version}
        record(session, actor, Action.RELEASE_CREATE, package_id=package.id, data=data)
    return release


def describe_release(release: Release, distribution: Distribution) -> None:
    """Take over what the distribution says of the release, if it knows best.

    That is the first file, or the first wheel: a source distribution may not know everything
    before it is built. Call it before the file is held.
    """
    held = {file.packagetype for file in release.files if file.storage_key is not None}
    if not held or (distribution.name.is_wheel and "bdist_wheel" not in held):
        release.core_metadata = distribution.metadata.as_json()
    release.comment = release.comment or distribution.comment


def find_file(session: Session, package: Package, name: DistributionName) -> File | None:
    """The file that is meant by the name, however its own name spells that."""
    files = session.scalars(
        select(File)
        .join(File.release)
        .where(
            Release.package_id == package.id,
            Release.canonical_version == canonical(str(name.version)),
        )
    )
    return next((file for file in files if _means(file, package, name)), None)


def _means(file: File, package: Package, name: DistributionName) -> bool:
    try:
        return parse_filename(file.filename, package.id).key == name.key
    except InvalidFilenameError:
        # Of a kind that is only known from elsewhere.
        return False


def add_file(release: Release, distribution: Distribution) -> File:
    """A new file of the release; its bytes are not held yet."""
    name = distribution.name
    file = File(filename=name.filename, packagetype=name.packagetype, tags=name.tags)
    release.files.append(file)
    return file


def hold_file(
    file: File, distribution: Distribution, uploader_id: int | None, uploaded_at: datetime
) -> None:
    """Fill the file's row with all that is known of it once its bytes are here."""
    digests, metadata = distribution.digests, distribution.metadata
    file.size = distribution.staged.size
    file.sha256 = digests.sha256
    file.md5 = digests.md5
    file.blake2_256 = digests.blake2_256
    file.requires_python = metadata.requires_python
    file.uploader_id = uploader_id
    file.uploaded_at = uploaded_at
    file.metadata_sha256 = distribution.metadata_sha256
    file.metadata_is_static = distribution.name.is_wheel or metadata.is_static
    file.storage_key = distribution.storage_key
    file.release.size = sum(one.size for one in file.release.files)
