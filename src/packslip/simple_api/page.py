"""What the Simple API says: the page of a package and the list of all packages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from packaging.utils import NormalizedName, canonicalize_name

from packslip.errors import InvalidError

#: Characters that a package's name may have: no file could be named for a longer one.
LONGEST_NAME = 200

# `\Z` because `$` would also let a trailing newline through, and ASCII because some letters
# outside of it count as equal to ASCII ones when case is ignored.
_VALID_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)


class InvalidPackageNameError(InvalidError):
    """The name cannot be that of a package."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "A package name consists of ASCII letters, digits, '.', '-' and '_', "
            f"begins and ends with a letter or digit, and has at most {LONGEST_NAME} characters."
        )
        self.name = name


class PackageStatus(StrEnum):
    """The status markers of PEP 792."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEntry:
    """A note, for who reads the page as JSON."""

    id: int
    title: str
    #: Absolute.
    url: str
    #: What it does; `none` for a note to read.
    act: str
    #: The releases that it is about, as a specifier (PEP 440); None for the whole package.
    versions: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file on the page of a package."""

    filename: str
    #: Absolute or relative to the page; percent-encoded, without a fragment.
    url: str
    #: Hexadecimal digests by the name of their algorithm, as `hashlib` knows it.
    hashes: Mapping[str, str]
    #: Bytes; 0 when it is not known.
    size: int
    #: Timezone-aware UTC; None when it is not known.
    upload_time: datetime | None
    requires_python: str | None = None
    yanked: bool = False
    #: Counts only for a yanked file (PEP 592).
    yanked_reason: str | None = None
    #: SHA-256 of what stands at `url` + `.metadata`; empty when that is there and its digest is not
    #: known, None if nothing is announced (PEP 658).
    core_metadata_sha256: str | None = None
    #: Absolute https address of the provenance object (PEP 740).
    provenance: str | None = None
    #: The version of its release.
    version: str = ""
    #: Those about some releases, this file's among them.
    notes: Sequence[NoteEntry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagePage:
    """The page of one package."""

    name: NormalizedName
    files: Sequence[FileEntry]
    #: Every version, also those without a file here (PEP 700).
    versions: Sequence[str]
    last_serial: int
    status: PackageStatus = PackageStatus.ACTIVE
    status_reason: str | None = None
    #: Whether its files come from upstream, so that rules are about them.
    is_mirrored: bool = False
    #: Those about the whole package.
    notes: Sequence[NoteEntry] = ()
    #: Whether there may be notes that are not among them.
    has_notes: bool = False
    #: Whether not everybody may see what is on it.
    is_for_some: bool = False
    #: When what the page says changes by itself; None when it does not.
    acts_until: datetime | None = None

    @property
    def offered_files(self) -> Sequence[FileEntry]:
        """The files that may be offered: none of a quarantined package (PEP 792)."""
        return () if self.status is PackageStatus.QUARANTINED else self.files


@dataclass(frozen=True, slots=True)
class ListedPackage:
    """One package in the list of all packages."""

    name: NormalizedName
    last_serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RootPage:
    """The list of all packages."""

    packages: Sequence[ListedPackage]
    last_serial: int


def normalize_name(name: str) -> NormalizedName:
    """Return the form in which all spellings of a package's name are equal (PEP 503).

    Raises:
        InvalidPackageNameError: no package can have this name.
    """
    if len(name) > LONGEST_NAME or not _VALID_NAME.match(name):
        raise InvalidPackageNameError(name)
    return canonicalize_name(name)
