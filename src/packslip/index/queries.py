"""What the index says about packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from packaging.utils import NormalizedName
from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.orm import Session, defer, selectinload

from packslip.errors import NotFoundError
from packslip.events.models import Event
from packslip.index.addresses import file_path
from packslip.packages.models import File, Maintainer, Package, Release
from packslip.packages.queries import UnknownPackageError
from packslip.simple_api.page import (
    FileEntry,
    InvalidPackageNameError,
    ListedPackage,
    PackagePage,
    PackageStatus,
    RootPage,
    normalize_name,
)
from packslip.storage.protocol import InvalidKeyError, content_key


class UnknownFileError(NotFoundError):
    """There is no file of this name and digest, or its bytes are not held here."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"There is no file {filename!r} at this address.")
        self.filename = filename


@dataclass(frozen=True)
class HeldFile:
    """A file whose bytes are held here."""

    package_id: str
    release_id: int
    filename: str
    sha256: str
    storage_key: str
    metadata_sha256: str | None
    uploaded_at: datetime
    #: Why the bytes are refused, as a whole sentence; None while they are not.
    held_reason: str | None
    #: PEP 792: that of its package.
    status: PackageStatus
    status_reason: str | None
    #: When an act on the package expires.
    acts_until: datetime | None


def sought_name(name: str) -> NormalizedName:
    """Return the normalised form of a name in an address.

    Raises:
        UnknownPackageError: no package can have this name.
    """
    try:
        return normalize_name(name)
    except InvalidPackageNameError:
        raise UnknownPackageError(name) from None


def root_page(session: Session) -> RootPage:
    """Return the list of all packages that have a page, by name."""
    held = (
        exists()
        .where(File.release_id == Release.id, File.storage_key.is_not(None))
        .where(Release.package_id == Package.id)
    )
    rows = session.execute(
        select(Package.id, Package.serial)
        .where(or_(Package.status == PackageStatus.QUARANTINED, held))
        .order_by(Package.id)
    )
    return RootPage(
        packages=[ListedPackage(NormalizedName(name), serial) for name, serial in rows],
        last_serial=last_serial(session),
    )


def last_serial(session: Session) -> int:
    """Return the number of the latest event of any package, removed ones included."""
    query = select(Event.id).where(Event.package_id.is_not(None)).order_by(Event.id.desc()).limit(1)
    return session.scalar(query) or 0


def package_page(session: Session, name: NormalizedName) -> PackagePage:
    """Return the page of a package: the files whose bytes are held, and all versions.

    Versions and files stand in the order of PEP 440, the oldest first.

    Raises:
        UnknownPackageError: there is no such package, or no file of it is held.
    """
    rows = session.execute(
        select(
            Package.serial,
            Package.status,
            Package.status_reason,
            Package.acts_until,
            Release.version,
            Release.yanked,
            Release.yanked_reason,
            File.filename,
            File.sha256,
            File.size,
            File.uploaded_at,
            File.requires_python,
            File.metadata_sha256,
            File.metadata_is_static,
        )
        .select_from(Package)
        .outerjoin(Release, Release.package_id == Package.id)
        .outerjoin(File, and_(File.release_id == Release.id, File.storage_key.is_not(None)))
        .where(Package.id == name)
        .order_by(Release.sort_key, Release.id, File.filename)
    ).all()
    files = [_file_entry(row) for row in rows if row.filename is not None]
    if not rows or not (files or rows[0].status == PackageStatus.QUARANTINED):
        raise UnknownPackageError(name)
    return PackagePage(
        name=name,
        files=files,
        versions=list(dict.fromkeys(row.version for row in rows if row.version is not None)),
        last_serial=rows[0].serial,
        status=PackageStatus(rows[0].status),
        status_reason=rows[0].status_reason,
        acts_until=rows[0].acts_until,
    )


def _file_entry(row: Row[*tuple[Any, ...]]) -> FileEntry:
    # The metadata of a source distribution that is not static may differ after the build, and
    # installers would resolve by it.
    announced = row.metadata_sha256 if row.metadata_is_static else None
    return FileEntry(
        filename=row.filename,
        url=f"../../{file_path(row.sha256, row.filename)}",
        hashes={"sha256": row.sha256},
        size=row.size,
        upload_time=row.uploaded_at,
        requires_python=row.requires_python,
        yanked=row.yanked,
        yanked_reason=row.yanked_reason,
        core_metadata_sha256=announced,
    )


def package_with_files(session: Session, name: NormalizedName) -> Package:
    """Return a package with its releases, their files, and its maintainers.

    The releases' core metadata is loaded only when it is asked for.

    Raises:
        UnknownPackageError: there is no such package, or it has no release.
    """
    package = session.scalar(
        select(Package)
        .where(Package.id == name)
        .options(
            selectinload(Package.releases).options(
                defer(Release.core_metadata), selectinload(Release.files)
            ),
            selectinload(Package.maintainers).joinedload(Maintainer.user),
        )
    )
    if package is None or not package.releases:
        raise UnknownPackageError(name)
    return package


def held_file(session: Session, sha256: str, filename: str) -> HeldFile:
    """Return the file with this digest and name.

    Raises:
        UnknownFileError: there is none, or its bytes are not held.
    """
    try:
        content_key(sha256, filename)
    except InvalidKeyError:
        raise UnknownFileError(filename) from None
    row = session.execute(
        select(
            Release.package_id,
            File.release_id,
            File.storage_key,
            File.metadata_sha256,
            File.uploaded_at,
            Release.held_reason,
            Package.status,
            Package.status_reason,
            Package.acts_until,
        )
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .where(File.filename == filename, File.sha256 == sha256)
    ).one_or_none()
    if row is None or row.storage_key is None:
        raise UnknownFileError(filename)
    return HeldFile(
        package_id=row.package_id,
        release_id=row.release_id,
        filename=filename,
        sha256=sha256,
        storage_key=row.storage_key,
        metadata_sha256=row.metadata_sha256,
        uploaded_at=row.uploaded_at,
        held_reason=row.held_reason,
        status=PackageStatus(row.status),
        status_reason=row.status_reason,
        acts_until=row.acts_until,
    )
