"""What is known of mirrored files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urldefrag, urlsplit, urlunsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.errors import NotFoundError
from packslip.mirror.digests import Expected, strongest
from packslip.mirror.models import MirrorFile, MirrorPage
from packslip.mirror.upstreams import is_bundled
from packslip.packages.models import File, Origin, Package, Release

#: What stands for metadata that upstream offers without its digest.
OFFERED = "true"


class ForgottenFileError(NotFoundError):
    """There is no such mirrored file any more."""

    def __init__(self) -> None:
        super().__init__("The mirror does not know this file any more.")


class NotInBundleError(NotFoundError):
    """The package came by a bundle that had no such file, and nobody is asked for it."""

    def __init__(self, filename: str) -> None:
        super().__init__(
            f"{filename} was not in the bundle that the mirror was loaded from, and no upstream is"
            " asked for it."
        )


@dataclass(frozen=True)
class Wanted:
    """A mirrored file, and all that it takes to get it."""

    file_id: int
    package_id: str
    version: str
    filename: str
    #: Absolute, at upstream.
    url: str
    #: The name of the upstream that has it, if that is known.
    upstream: str | None
    expected: Expected
    sha256: str | None
    storage_key: str | None
    #: The digest of its metadata, once it is known.
    metadata_sha256: str | None
    #: What upstream offers of the metadata: its digest, `OFFERED`, or None for nothing.
    metadata_offered: str | None
    metadata_kept: bool
    #: Why it is not asked for; see `MirrorFile`.
    refused: str | None
    retry_at: datetime | None

    @property
    def part_name(self) -> str:
        """What its part file is called: another one when upstream says something else of it."""
        told = f"{self.url} {self.expected}"
        return f"{self.file_id}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    @property
    def metadata_url(self) -> str:
        """Where upstream has the metadata, when it offers it (PEP 658)."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"{parts.path}.metadata"))

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel."""
        return self.filename.endswith(".whl")


def came_by_bundle(session: Session, package_id: str) -> bool:
    """Whether what is known of the package came by a bundle."""
    upstream = select(MirrorPage.upstream).where(MirrorPage.package_id == package_id)
    return is_bundled(session.scalar(upstream))


def wanted_file(session: Session, file_id: int) -> Wanted:
    """What is known of the mirrored file.

    Raises:
        ForgottenFileError: there is none, or it is not mirrored.
    """
    row = session.execute(
        select(File, MirrorFile, Release.package_id, Release.version, MirrorPage.upstream)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .outerjoin(MirrorPage, MirrorPage.package_id == Package.id)
        .where(File.id == file_id, Package.origin == Origin.MIRRORED)
    ).one_or_none()
    if row is None or row.File.url is None:
        raise ForgottenFileError
    file, mirrored = row.File, row.MirrorFile
    digests = {
        **mirrored.digests,
        "md5": file.md5,
        "blake2_256": file.blake2_256,
        "sha256": file.sha256,
    }
    return Wanted(
        file_id=file.id,
        package_id=row.package_id,
        version=row.version,
        filename=file.filename,
        url=urldefrag(file.url).url,
        upstream=row.upstream,
        expected=Expected(file.size or None, strongest(digests)),
        sha256=file.sha256,
        storage_key=file.storage_key,
        metadata_sha256=file.metadata_sha256,
        metadata_offered=mirrored.metadata_offered,
        metadata_kept=mirrored.metadata_kept,
        refused=mirrored.refused,
        retry_at=mirrored.retry_at,
    )
