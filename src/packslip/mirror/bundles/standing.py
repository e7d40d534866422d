"""How packages of a bundle stand here before they are taken in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.mirror.bundles.manifests import BundledFile, BundledPackage, Entry
from packslip.mirror.current import Mirror
from packslip.mirror.models import MirrorFile, MirrorPage
from packslip.mirror.taking import Source
from packslip.mirror.upstream_pages import UpstreamPage
from packslip.mirror.upstreams import bundled, is_bundled, origin_of
from packslip.packages.models import File, Origin, Package, Release
from packslip.simple_api.page import PackageStatus

HOSTED = "A package of this name is hosted here."


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of the package that is known here."""

    id: int
    sha256: str | None
    is_kept: bool
    is_pinned: bool
    #: SHA-256 of its metadata that is kept.
    metadata: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known here of a package that a bundle has."""

    #: Where the package comes from, once the bundle is taken in.
    source: Source
    #: Why nothing of it is taken, as a sentence.
    refusal: str | None = None
    #: When upstream said what is known here; None for a package that is new.
    checked_at: datetime | None = None
    status: str = PackageStatus.ACTIVE
    status_reason: str | None = None
    files: Mapping[str, KnownFile] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Whether upstream has never said anything of the package here."""
        return self.checked_at is None

    def contradicts(self, file: BundledFile) -> bool:
        """Whether a file of that name is known here, and has other bytes."""
        known = self.files.get(file.said.filename)
        return known is not None and known.sha256 not in {None, file.sha256}

    def lacks(self, entry: Entry) -> bool:
        """Whether the bytes of this member are to be kept here."""
        if self.refusal is not None or self.contradicts(entry.file):
            return False
        known = self.files.get(entry.file.said.filename)
        if known is None:
            return True
        return known.metadata is None if entry.is_metadata else not known.is_kept


def standing_of(session: Session, mirror: Mirror, package: BundledPackage) -> Standing:
    """How the package stands here now."""
    row = session.get(Package, package.name)
    page = session.get(MirrorPage, package.name)
    said_at = min(package.checked_at, datetime.now(UTC))
    source = Source(bundled(package.upstream), said_at=said_at)
    if mirror.is_reserved(package.name):
        return Standing(source, "The name is reserved for packages that are hosted here.")
    if row is None:
        return Standing(source)
    if row.origin != Origin.MIRRORED:
        return Standing(source, HOSTED)
    if page is not None and page.upstream is not None:
        if origin_of(page.upstream) != package.upstream:
            refusal = (
                f"It came from the upstream {origin_of(page.upstream)!r} before, and comes from"
                f" {package.upstream!r} in the bundle."
            )
            return Standing(source, refusal)
        if not is_bundled(page.upstream):
            source = Source(page.upstream, page.etag, page.last_modified, said_at)
    checked_at = None if page is None else page.checked_at
    if checked_at is not None:
        source = replace(source, said_at=max(checked_at, said_at))
    return Standing(
        source,
        checked_at=checked_at,
        status=row.upstream_status or PackageStatus.ACTIVE,
        status_reason=row.upstream_status_reason,
        files=_known_files(session, package.name),
    )


def page_to_take(
    package: BundledPackage, standing: Standing, taken: Mapping[str, BundledFile]
) -> UpstreamPage | None:
    """What the bundle says that is not known here, of the files that are taken; None for nothing.

    What is known of a file is changed only by what was said later.
    """
    checked_at = standing.checked_at
    is_news = checked_at is None or min(package.checked_at, datetime.now(UTC)) > checked_at
    files = [
        file
        for name, file in taken.items()
        if is_news or name not in standing.files or standing.files[name].sha256 != file.sha256
    ]
    if not files and (standing.is_new or not is_news):
        return None
    page = replace(
        package.page,
        files=tuple(file.said for file in files),
        versions=tuple(dict.fromkeys(file.said.version for file in files)),
        is_part=True,
    )
    if is_news:
        return page
    return replace(page, status=standing.status, status_reason=standing.status_reason)


def _known_files(session: Session, package_id: str) -> Mapping[str, KnownFile]:
    rows = session.execute(
        select(
            File.id, File.filename, File.sha256, File.storage_key, File.metadata_sha256,
            MirrorFile.metadata_kept, MirrorFile.pinned,
        )
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .join(Release, Release.id == File.release_id)
        .where(Release.package_id == package_id)
    )  # fmt: skip
    return {
        row.filename: KnownFile(
            id=row.id,
            sha256=row.sha256,
            is_kept=row.storage_key is not None,
            is_pinned=row.pinned,
            metadata=row.metadata_sha256 if row.metadata_kept else None,
        )
        for row in rows
    }
