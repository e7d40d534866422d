"""The manifest of a bundle: what is in it, and what upstreams say of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

import msgspec
from packaging.utils import NormalizedName

from packslip.errors import InvalidError
from packslip.mirror.upstream_pages import (
    UnreadablePageError,
    UpstreamFile,
    UpstreamPage,
    read_page,
)
from packslip.packages.archives.members import LARGEST_METADATA
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.simple_api.render import API_VERSION
from packslip.storage.protocol import InvalidKeyError, content_key
from packslip.texts import brief

FORMAT = "packslip-bundle"
VERSION = 1

#: The first member of the archive.
MANIFEST = "manifest.json"

#: Bytes of a manifest; of a file it says about 500.
LARGEST_MANIFEST = 128 * 1024 * 1024

_JSON = "application/vnd.pypi.simple.v1+json"
#: Where addresses count from that are not absolute: there is nothing. Upstreams without TLS have
#: absolute ones that would not be taken from a page that came with it.
_NOWHERE = "http://bundle.invalid/"
_LONGEST_UPSTREAM = 100

#: With what reading JSON of a stranger ends.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class InvalidBundleError(InvalidError):
    """It is no bundle, or not one that this version can read."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The bundle cannot be read: {fault}.")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A file in a bundle, with what its upstream says of it."""

    said: UpstreamFile
    #: Bytes of the metadata that is in the bundle too; None when there is none.
    metadata_size: int | None

    @property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal."""
        return self.said.digests["sha256"]


@dataclass(frozen=True, slots=True)
class BundledPackage:
    """A package in a bundle."""

    name: NormalizedName
    #: The name of its upstream, where the bundle was made.
    upstream: str
    #: When that upstream said what the page says.
    checked_at: datetime
    page: UpstreamPage
    files: tuple[BundledFile, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a bundle."""

    made_at: datetime
    #: What made it, such as `packslip 1.0`.
    made_by: str
    packages: tuple[BundledPackage, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of the archive after the manifest."""

    #: Where it is in the archive.
    path: str
    file: BundledFile
    is_metadata: bool
    sha256: str
    size: int


class _Head(msgspec.Struct):
    format: str
    version: int


class _Package(msgspec.Struct):
    upstream: str
    checked: datetime
    page: msgspec.Raw
    metadata: dict[str, int] = {}


class _Manifest(msgspec.Struct):
    made: datetime
    made_by: str
    packages: list[_Package]


def entries(package: BundledPackage) -> Iterator[Entry]:
    """The members of a package, in the order in which they are: metadata before its file."""
    for file in package.files:
        said = file.said
        path = f"files/{package.name}/{said.filename}"
        if file.metadata_size is not None:
            sha256 = said.metadata or ""
            yield Entry(f"{path}.metadata", file, True, sha256, file.metadata_size)
        yield Entry(path, file, False, file.sha256, said.size)


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "made": manifest.made_at,
        "made_by": manifest.made_by,
        "packages": [_package(package) for package in manifest.packages],
    }
    return msgspec.json.encode(document)


def made_by() -> str:
    """What makes bundles here."""
    return f"packslip {version('packslip')}"


def _package(package: BundledPackage) -> dict[str, Any]:
    page, status = package.page, {"status": str(package.page.status)}
    if page.status_reason:
        status["reason"] = page.status_reason
    return {
        "upstream": package.upstream,
        "checked": package.checked_at,
        "page": {
            "meta": {"api-version": API_VERSION},
            "name": package.name,
            "project-status": status,
            "versions": page.versions,
            "files": [_file(file.said) for file in package.files],
        },
        "metadata": {
            file.said.filename: file.metadata_size
            for file in package.files
            if file.metadata_size is not None
        },
    }


def _file(said: UpstreamFile) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": said.filename,
        "url": said.url,
        "hashes": said.digests,
        "size": said.size,
        # An empty reason would not yank (PEP 691).
        "yanked": False if said.yanked is None else said.yanked or True,
    }
    if said.uploaded_at is not None:
        entry["upload-time"] = said.uploaded_at
    if said.requires_python is not None:
        entry["requires-python"] = said.requires_python
    if said.metadata is not None:
        entry["core-metadata"] = {"sha256": said.metadata}
    if said.provenance is not None:
        entry["provenance"] = said.provenance
    return entry


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        InvalidBundleError: it is none, is of another version, or lists what cannot be.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise InvalidBundleError(f"its format is {brief(head.format)!r}")
        if head.version != VERSION:
            raise InvalidBundleError(
                f"it is of version {head.version} of the format; this Packslip knows {VERSION}"
            )
        manifest = msgspec.json.decode(data, type=_Manifest)
    except _UNREADABLE as error:
        raise InvalidBundleError(f"its manifest is faulty ({brief(str(error))})") from error
    packages = tuple(_read_package(package) for package in manifest.packages)
    names = [package.name for package in packages]
    if len(set(names)) < len(names):
        raise InvalidBundleError("its manifest lists a package twice")
    return Manifest(_aware(manifest.made), brief(manifest.made_by), packages)


def _read_package(told: _Package) -> BundledPackage:
    body = bytes(told.page)
    try:
        name = normalize_name(msgspec.json.decode(body, type=_Named).name)
        page = read_page(name, body, _JSON, _NOWHERE)
    except (InvalidPackageNameError, UnreadablePageError, *_UNREADABLE) as error:
        fault = f"its manifest has a faulty page ({brief(str(error))})"
        raise InvalidBundleError(fault) from error
    upstream = told.upstream
    if not (0 < len(upstream) <= _LONGEST_UPSTREAM and upstream.isprintable()):
        raise InvalidBundleError(f"its manifest gives {name} no upstream")
    listed = msgspec.json.decode(body, type=_Listed).files
    if len(listed) != len(page.files):
        raise InvalidBundleError(
            f"its manifest lists files of {name} twice, or that are none of the package"
        )
    if told.metadata.keys() - {file.filename for file in page.files}:
        raise InvalidBundleError(f"its manifest lists metadata of {name} without a file")
    files = tuple(_read_file(file, told.metadata.get(file.filename)) for file in page.files)
    return BundledPackage(name, upstream, _aware(told.checked), page, files)


class _Named(msgspec.Struct):
    name: str


class _Listed(msgspec.Struct):
    files: list[msgspec.Raw]


def _read_file(said: UpstreamFile, metadata_size: int | None) -> BundledFile:
    if "sha256" not in said.digests or not said.size:
        raise InvalidBundleError(f"its manifest gives {said.filename} no size or no SHA-256")
    try:
        content_key(said.digests["sha256"], f"{said.filename}.metadata")
    except InvalidKeyError:
        raise InvalidBundleError(f"its manifest names {brief(said.filename)}") from None
    # What is said of metadata that is not there would be asked of an upstream.
    has_metadata = said.metadata not in {None, "true"}
    if has_metadata != (metadata_size is not None):
        raise InvalidBundleError(f"its manifest says two things of the metadata of {said.filename}")
    if metadata_size is not None and not 0 < metadata_size <= LARGEST_METADATA:
        raise InvalidBundleError(f"the metadata of {said.filename} has {metadata_size} bytes")
    return BundledFile(said, metadata_size)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidBundleError("its manifest has a time without a zone")
    return moment
