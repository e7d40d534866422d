"""What a wheel must hold (PEP 427), and how its metadata is got out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name

from packslip.packages.archives.entry_points import LARGEST_ENTRY_POINTS, check_entry_points
from packslip.packages.archives.members import (
    LARGEST_METADATA,
    Budget,
    InvalidArchiveError,
    Kind,
    Member,
    MissingMemberError,
    RefusedMemberError,
    checked,
    read,
)
from packslip.packages.archives.record import LARGEST_RECORD, Record
from packslip.packages.archives.zips import zip_members
from packslip.packages.filenames import DistributionName, split_stem
from packslip.texts import brief

_INFO = ".dist-info"
_METADATA, _WHEEL, _RECORD, _ENTRY_POINTS = "METADATA", "WHEEL", "RECORD", "entry_points.txt"

#: What is kept of .dist-info, and bytes that it may have.
_LIMITS = {_METADATA: LARGEST_METADATA, _WHEEL: 1024**2, _ENTRY_POINTS: LARGEST_ENTRY_POINTS}

_WHEEL_VERSION = re.compile(r"1(\.[0-9]{1,3})*")


def read_wheel(path: Path, budget: Budget, name: DistributionName) -> bytes:
    """Return the METADATA of a wheel.

    Raises:
        InvalidArchiveError: It is not what a wheel of that name is.

    """
    reader = _Reader(name)
    # RECORD comes first, so that each file can be compared when it comes by.
    for member in checked(zip_members(path, budget, first=_is_record)):
        reader.take(member)
    return reader.finish()


def _is_record(member: str) -> bool:
    return member.endswith(f"{_INFO}/{_RECORD}") and member.count("/") == 1


class _Reader:
    """Takes the members of a wheel."""

    def __init__(self, name: DistributionName) -> None:
        self._name = name
        self._folder: str | None = None
        self._record: Record | None = None
        self._kept: dict[str, bytes] = {}
        self._spellings: dict[str, str] = {}

    def take(self, member: Member) -> None:
        """Take the next member; RECORD is the first."""
        top, _, inside = member.name.partition("/")
        if top.lower().endswith(_INFO):
            self._check_folder(top)
            self._check_spelling(member.name)
        if member.kind is not Kind.FILE:
            return
        if self._record is None:
            if top != self._folder or inside != _RECORD:
                raise self._missing(_RECORD)
            self._record = Record(read(member, LARGEST_RECORD), top)
            return
        pieces = self._record.compared(member)
        if top == self._folder and inside in _LIMITS:
            self._kept[inside] = read(replace(member, pieces=pieces), _LIMITS[inside])
        for _ in pieces:
            pass

    def finish(self) -> bytes:
        """Check what all members together make, and return METADATA."""
        for needed in (_METADATA, _WHEEL):
            if needed not in self._kept:
                raise self._missing(needed)
        if self._record is None:
            raise self._missing(_RECORD)
        self._record.finish()
        _check_version(self._kept[_WHEEL])
        if _ENTRY_POINTS in self._kept:
            check_entry_points(self._kept[_ENTRY_POINTS])
        return self._kept[_METADATA]

    def _check_folder(self, top: str) -> None:
        if self._folder is not None and top != self._folder:
            raise InvalidArchiveError(
                f"The wheel holds two .dist-info folders: {brief(self._folder)} and {brief(top)}"
            )
        if self._folder is None and not _is_named(top, self._name):
            raise InvalidArchiveError(
                f"The wheel's folder {brief(top)} is not named as the file: {self._name.package} "
                f"{self._name.version}"
            )
        self._folder = top

    def _check_spelling(self, member: str) -> None:
        # Where a system takes two of them for one file, one would replace the other. Elsewhere in
        # a wheel honest authors do it, and it is their concern; here it decides what is installed.
        folded = unicodedata.normalize("NFKC", member).casefold().rstrip("/")
        other = self._spellings.setdefault(folded, member)
        if other != member:
            raise RefusedMemberError(member, f"is also there as {brief(other)}")

    def _missing(self, needed: str) -> MissingMemberError:
        folder = self._folder or f"{self._name.project}-{self._name.version}{_INFO}"
        return MissingMemberError(f"{folder}/{needed}")


def _is_named(folder: str, name: DistributionName) -> bool:
    return folder.endswith(_INFO) and any(
        canonicalize_name(project) == name.package and version == name.version
        for project, version in split_stem(folder.removesuffix(_INFO))
    )


def _check_version(wheel: bytes) -> None:
    lines = (line.partition(":") for line in wheel.decode("latin-1").splitlines())
    versions = [value.strip() for key, _, value in lines if key.strip().lower() == "wheel-version"]
    if len(versions) != 1 or not _WHEEL_VERSION.fullmatch(versions[0]):
        found = brief(versions[0]) if len(versions) == 1 else f"{len(versions)} of them"
        raise InvalidArchiveError(
            f"The wheel's WHEEL must have one Wheel-Version, which is 1.x; it has {found}"
        )
