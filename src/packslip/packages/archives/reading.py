"""What a source distribution must hold, and how metadata is got out of each kind of archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from packslip.packages.archives.members import (
    LARGEST_METADATA,
    Budget,
    InvalidArchiveError,
    Member,
    MissingMemberError,
    checked,
    read,
)
from packslip.packages.archives.tars import tar_members
from packslip.packages.archives.wheels import read_wheel
from packslip.packages.archives.zips import zip_members
from packslip.packages.filenames import DistributionName
from packslip.texts import brief


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
        return read_wheel(path, budget, name)
    walk = zip_members if name.filename.endswith(".zip") else tar_members
    return _read_sdist(checked(walk(path, budget)))


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
