"""Bundles, well made and badly, without a mirror."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from packaging.utils import NormalizedName
from tests.helpers.upstream_pages import upstream_file, upstream_page

from packslip.mirror.bundles.manifests import (
    MANIFEST,
    BundledFile,
    BundledPackage,
    Manifest,
    entries,
    write_manifest,
)

MADE_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CHECKED_AT = datetime(2026, 3, 4, 5, 0, 0, tzinfo=UTC)

Member = tuple[tarfile.TarInfo, bytes]


def bundled_file(
    filename: str, data: bytes = b"bytes", metadata: bytes | None = None, **values: Any
) -> BundledFile:
    """A file with these bytes, and what upstream says of it."""
    said = {"digests": {"sha256": sha256(data).hexdigest()}, "size": len(data)} | values
    if metadata is not None:
        said["metadata"] = sha256(metadata).hexdigest()
    return BundledFile(upstream_file(filename, **said), (metadata and len(metadata)) or None)


def bundled_package(
    name: str,
    *files: BundledFile,
    upstream: str = "upstream",
    checked_at: datetime = CHECKED_AT,
    **values: Any,
) -> BundledPackage:
    """A package with these files."""
    page = upstream_page(*(file.said for file in files), **values)
    return BundledPackage(NormalizedName(name), upstream, checked_at, page, files)


def manifest(*packages: BundledPackage) -> Manifest:
    """The manifest of a bundle with these packages."""
    return Manifest(MADE_AT, "packslip 1.0", packages)


def member(name: str, data: bytes = b"", **values: Any) -> Member:
    """A member of an archive, with what its header says."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in values.items():
        setattr(info, key, value)
    return info, data


def members(contents: Mapping[str, bytes], *packages: BundledPackage) -> list[Member]:
    """The members of a bundle; `contents` has the bytes by the last part of a member's path."""
    found = [member(MANIFEST, write_manifest(manifest(*packages)))]
    for package in packages:
        found += [
            member(entry.path, contents[entry.path.rpartition("/")[2]])
            for entry in entries(package)
        ]
    return found


def archive(members: Iterable[Member]) -> bytes:
    """A tar archive of these members, whatever their headers say."""
    output = io.BytesIO()
    for info, data in members:
        output.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        output.write(data + bytes(-len(data) % 512))
    output.write(bytes(1024))
    return output.getvalue()
