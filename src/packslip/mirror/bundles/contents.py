"""What goes into a bundle: what the mirror holds, and would give to installers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import NormalizedName
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from packslip.errors import NotFoundError
from packslip.mirror.bundles.manifests import BundledFile, BundledPackage, Manifest, made_by
from packslip.mirror.forgetting import HostedPackageError
from packslip.mirror.models import MirrorFile, MirrorPage
from packslip.mirror.upstream_pages import UpstreamFile, UpstreamPage
from packslip.mirror.upstreams import DEFAULT_NAME, origin_of
from packslip.mirror.verdict import judged
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.queries import get_package
from packslip.simple_api.page import PackageStatus
from packslip.storage.protocol import MissingBytesError, Storage, content_key, kept_metadata_key


class NothingKeptError(NotFoundError):
    """There is nothing to be carried."""

    def __init__(self, package_id: str | None = None) -> None:
        of = "" if package_id is None else f" of {package_id!r}"
        super().__init__(f"The mirror keeps no file{of} that a bundle could have.")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is kept, and that installers do not get here."""

    package: str
    filename: str
    #: Why, in a sentence or a part of one.
    reason: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle."""

    manifest: Manifest
    left_out: Sequence[LeftOut]

    @property
    def files(self) -> int:
        """How many files that are."""
        return sum(len(package.files) for package in self.manifest.packages)


def contents(session: Session, storage: Storage, names: Collection[str], now: datetime) -> Contents:
    """What is kept of these packages, or of all mirrored ones when none is named.

    Files that rules or notes refuse here are left out. Of a package that upstream has quarantined
    only that is told.

    Raises:
        UnknownPackageError: there is no such package.
        HostedPackageError: it is hosted.
        NothingKeptError: nothing is kept of it, or of all.
    """
    wanted = {_named(session, name) for name in names}
    left_out: list[LeftOut] = []
    found = []
    for package_id in sorted(wanted) or _kept_packages(session):
        package = _package(session, storage, package_id, left_out, now)
        session.rollback()
        if package is not None:
            found.append(package)
        elif wanted:
            raise NothingKeptError(package_id)
    if not found:
        raise NothingKeptError
    return Contents(Manifest(now, made_by(), tuple(found)), left_out)


def _named(session: Session, name: str) -> str:
    package = get_package(session, name, without_texts=True)
    if package.origin != Origin.MIRRORED:
        raise HostedPackageError(package.id)
    return package.id


def _kept_packages(session: Session) -> Sequence[str]:
    held = (
        exists()
        .where(File.release_id == Release.id, File.storage_key.is_not(None))
        .where(Release.package_id == Package.id)
    )
    is_quarantined = Package.upstream_status == PackageStatus.QUARANTINED
    query = select(Package.id).where(Package.origin == Origin.MIRRORED, or_(held, is_quarantined))
    return session.scalars(query.order_by(Package.id)).all()


def _package(
    session: Session, storage: Storage, package_id: str, left_out: list[LeftOut], now: datetime
) -> BundledPackage | None:
    package = session.get(Package, package_id)
    page = session.get(MirrorPage, package_id)
    if package is None or page is None or package.origin != Origin.MIRRORED:
        return None
    files = list(_files(session, storage, package, left_out, now))
    is_quarantined = package.upstream_status == PackageStatus.QUARANTINED
    if not files and not is_quarantined:
        return None
    said = tuple(file.said for file in files)
    return BundledPackage(
        NormalizedName(package_id),
        origin_of(page.upstream or DEFAULT_NAME),
        page.checked_at or now,
        UpstreamPage(
            files=said,
            versions=tuple(dict.fromkeys(file.version for file in said)),
            status=package.upstream_status or PackageStatus.ACTIVE,
            status_reason=package.upstream_status_reason,
        ),
        tuple(files),
    )


def _files(
    session: Session, storage: Storage, package: Package, left_out: list[LeftOut], now: datetime
) -> Iterator[BundledFile]:
    withheld, _ = judged(session, package.id, now)
    rows = session.execute(
        select(File, MirrorFile, Release.version, Release.held_reason)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .join(Release, Release.id == File.release_id)
        .where(Release.package_id == package.id, File.storage_key.is_not(None))
        .order_by(Release.sort_key, Release.id, File.filename)
    )
    for file, mirrored, version, held_reason in rows:
        refusal = withheld.get(file.filename)
        reason = refusal.reason if refusal else held_reason
        if package.status == PackageStatus.QUARANTINED:
            reason = package.status_reason or "The package is quarantined."
        if reason is not None:
            left_out.append(LeftOut(package.id, file.filename, reason))
        elif (
            file.sha256
            and file.size
            and file.storage_key == content_key(file.sha256, file.filename)
        ):
            yield _file(storage, file, mirrored, version)


def _file(storage: Storage, file: File, mirrored: MirrorFile, version: str) -> BundledFile:
    metadata_size = None
    if mirrored.metadata_kept and file.metadata_sha256:
        metadata_size = _size(storage, kept_metadata_key(file.metadata_sha256, file.filename))
    digests = {
        **mirrored.digests,
        "md5": file.md5,
        "blake2b_256": file.blake2_256,
        "sha256": file.sha256,
    }
    said = UpstreamFile(
        filename=file.filename,
        version=version,
        packagetype=file.packagetype,
        tags=file.tags,
        url=_without_query(file.url or ""),
        digests={name: text for name, text in digests.items() if text},
        size=file.size,
        uploaded_at=file.uploaded_at if mirrored.dated else None,
        requires_python=file.requires_python,
        yanked=mirrored.yanked,
        # Where the bundle goes, nobody can ask for what is not in it.
        metadata=file.metadata_sha256 if metadata_size else None,
        provenance=mirrored.provenance and _without_query(mirrored.provenance),
    )
    return BundledFile(said, metadata_size)


def _size(storage: Storage, key: str) -> int | None:
    try:
        with storage.open(key) as stored:
            return stored.size
    except MissingBytesError:
        return None


def _without_query(address: str) -> str:
    # It may be there to let this mirror in.
    return urlunsplit(urlsplit(address)._replace(query="", fragment=""))
