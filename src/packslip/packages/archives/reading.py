"""What a wheel and a source distribution must hold, and how their metadata is got out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from packslip.packages.archives.members import (
    Budget,
    InvalidArchiveError,
    Kind,
    Member,
    MissingMemberError,
    checked,
    read,
)
from packslip.packages.archives.tars import tar_members
from packslip.packages.archives.zips import zip_members
from packslip.packages.filenames import DistributionName, split_stem
from packslip.texts import brief

#: Bytes that METADATA or PKG-INFO may have, the description in it included.
LARGEST_METADATA = 4 * 1024**2

_INFO = ".dist-info"
_INFO_FILES = ("METADATA", "WHEEL", "RECORD")


def read_metadata(path: Path, name: DistributionName) -> bytes:
    """Return the unchanged METADATA of a wheel, or PKG-INFO of a source distribution.

    The whole archive is read on the way, and every checksum in it checked; nothing is written to
    disk, and memory does not grow with the archive's size.

    Args:
        path: Where the archive is; it need not be named as the distribution.
        name: What the distribution's file name says.

    Raises:
        InvalidArchiveError: The archive is damaged, unsafe, or not a wheel (PEP 427) or source
            distribution (PEP 625).
        OSError: The disk has a fault.

    """
    budget = Budget(path.stat().st_size)
    if name.is_wheel:
        return _read_wheel(checked(zip_members(path, budget)), name)
    walk = zip_members if name.filename.endswith(".zip") else tar_members
    return _read_sdist(checked(walk(path, budget)))


def _read_wheel(members: Iterator[Member], name: DistributionName) -> bytes:
    folder: str | None = None
    metadata: bytes | None = None
    present: set[str] = set()
    for member in members:
        top, _, inside = member.name.partition("/")
        if not top.endswith(_INFO):
            continue
        if folder is None:
            _check_folder(top, name)
            folder = top
        elif top != folder:
            raise InvalidArchiveError(
                f"The wheel holds two .dist-info folders: {brief(folder)} and {brief(top)}"
            )
        if inside in _INFO_FILES and member.kind is Kind.FILE:
            present.add(inside)
        if inside == "METADATA":
            metadata = read(member, LARGEST_METADATA)
    folder = folder or f"{name.project}-{name.version}{_INFO}"
    for needed in _INFO_FILES:
        if needed not in present:
            raise MissingMemberError(f"{folder}/{needed}")
    assert metadata is not None
    return metadata


def _check_folder(folder: str, name: DistributionName) -> None:
    for project, version in split_stem(folder.removesuffix(_INFO)):
        if canonicalize_name(project) == name.package and version == name.version:
            return
    raise InvalidArchiveError(
        f"The wheel's folder {brief(folder)} is not named as the file: {name.package} "
        f"{name.version}"
    )


def _read_sdist(members: Iterator[Member]) -> bytes:
    folder: str | None = None
    metadata: bytes | None = None
    for member in members:
        top, _, inside = member.name.partition("/")
        if not top or (not inside and _is_by_product(top)):
            continue
        if folder is None:
            folder = top
        elif top != folder:
            raise InvalidArchiveError(
                "A source distribution has one folder at its top, this one has "
                f"{brief(folder)} and {brief(top)}"
            )
        if inside == "PKG-INFO":
            metadata = read(member, LARGEST_METADATA)
    if metadata is None:
        raise MissingMemberError(f"{folder or 'name-version'}/PKG-INFO")
    return metadata


def _is_by_product(name: str) -> bool:
    # macOS's tar adds its attributes so beside each file; installers never minded.
    return name.startswith("._")
