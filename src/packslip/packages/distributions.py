"""Distributions on their way into the index: read, found right, not yet published."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256

from packslip.packages.agreement import check_metadata
from packslip.packages.archives import read_metadata
from packslip.packages.digests import Digests
from packslip.packages.filenames import DistributionName, parse_filename
from packslip.packages.metadata import CoreMetadata, parse_metadata
from packslip.storage.protocol import StagedFile, content_key


@dataclass(frozen=True)
class Distribution:
    """A wheel or source distribution that may be published."""

    name: DistributionName
    metadata: CoreMetadata
    #: METADATA or PKG-INFO as it is in the archive.
    metadata_bytes: bytes
    digests: Digests
    #: Where its bytes wait.
    staged: StagedFile
    #: What its uploader says about the release.
    comment: str | None = None

    @property
    def storage_key(self) -> str:
        """The key under which its bytes are stored."""
        return content_key(self.digests.sha256, self.name.filename)

    @property
    def metadata_sha256(self) -> str:
        """The digest of its metadata file."""
        return sha256(self.metadata_bytes).hexdigest()


def read_distribution(
    staged: StagedFile, filename: str, digests: Digests, comment: str | None = None
) -> Distribution:
    """Read and check a distribution. All that takes long is done here: its bytes are on the disk.

    Raises:
        InvalidFilenameError: the name is not that of a wheel or source distribution.
        InvalidArchiveError: the archive is damaged, unsafe, or lacks something.
        InvalidMetadataError: its metadata breaks the specification.
        DisagreementError: its name and its metadata are of different versions.
    """
    name = parse_filename(filename)
    return understand(staged, name, read_metadata(staged.path, name), digests, comment)


def understand(
    staged: StagedFile,
    name: DistributionName,
    metadata_bytes: bytes,
    digests: Digests,
    comment: str | None = None,
) -> Distribution:
    """The second half of `read_distribution`: what follows when the archive was read.

    Raises:
        InvalidMetadataError: its metadata breaks the specification.
        DisagreementError: its name and its metadata are of different versions.
        InvalidFilenameError: its name and its metadata are of different packages.
    """
    metadata = parse_metadata(metadata_bytes)
    name = check_metadata(name, metadata)
    _sync(staged)
    return Distribution(name, metadata, metadata_bytes, digests, staged, comment)


def _sync(staged: StagedFile) -> None:
    # The storage does it too, but then everybody else waits for the write lock.
    with staged.path.open("rb") as file:
        os.fsync(file.fileno())
