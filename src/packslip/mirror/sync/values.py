"""What is known of packages, what is asked of them, and what was chosen.

Pure: no framework, no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from packaging.specifiers import SpecifierSet


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a file is not to be had, though it is there."""

    reason: str
    #: From when on it will be, as far as that can be said.
    until: datetime | None = None
    #: Whether this index decided so; otherwise it is upstream's fault.
    is_withheld: bool = True


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of a package."""

    file_id: int
    filename: str
    is_wheel: bool
    #: Of a wheel, as its name gives them.
    tags: str
    #: Bytes; 0 when nobody says.
    size: int
    sha256: str | None = None
    requires_python: str | None = None
    is_held: bool = False
    #: Whether it is announced with metadata beside it, and whether that is held.
    has_metadata: bool = False
    metadata_is_held: bool = False
    yanked: bool = False
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A release of a package."""

    version: str
    files: Sequence[KnownFile]
    yanked: bool = False


@dataclass(frozen=True, slots=True)
class KnownPackage:
    """A package, hosted or mirrored."""

    name: str
    is_hosted: bool
    #: The newest first.
    releases: Sequence[KnownRelease]
    #: Why upstream could not be asked for it just now; what is known is older.
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A file that a lock file or a hash allows."""

    algorithm: str
    digest: str
    filename: str | None = None


@dataclass(frozen=True)
class Ask:
    """Something that is asked of a package."""

    #: Normalised.
    name: str
    #: Who asks: a release, or the line of a file.
    by: str
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    #: Normalised.
    extras: frozenset[str] = frozenset()
    #: Indexes of the environments in which it is asked.
    environments: frozenset[int] = frozenset({0})
    #: Exactly this one; nothing else is asked, not even what it requires.
    version: str | None = None
    #: If there are any, no other files.
    files: tuple[FixedFile, ...] = ()
    #: Whether all releases that fit are asked for, instead of the newest.
    every: bool = False

    @property
    def what(self) -> str:
        """The versions in words."""
        if self.version is not None:
            return f"=={self.version}"
        return str(self.specifier) or "any version"

    @property
    def takes_yanked(self) -> bool:
        """Whether it names one release (PEP 592)."""
        return self.version is not None or any(
            one.operator == "===" or (one.operator == "==" and not one.version.endswith(".*"))
            for one in self.specifier
        )


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that fits, and that this index does not let through."""

    package: str
    version: str
    #: None for all of its files.
    filename: str | None
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is asked for, and is not to be had."""

    package: str
    what: str
    reason: str
    #: Who asks for it.
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """No release satisfies all that is asked, so there are several."""

    package: str
    #: Each with who asks.
    asked: tuple[str, ...]
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Pick:
    """A release that was chosen."""

    release: KnownRelease = field(compare=False)
    version: str
    #: Its files that are wanted, by their numbers.
    files: frozenset[int]
    #: Indexes of the environments in which what it requires is wanted too.
    follows: frozenset[int]


@dataclass(frozen=True)
class Choice:
    """What was chosen of a package, the newest first, and what stood against that."""

    picks: tuple[Pick, ...] = ()
    withheld: tuple[Withheld, ...] = field(default=(), compare=False)
    missing: tuple[Missing, ...] = field(default=(), compare=False)
    conflicts: tuple[Conflict, ...] = field(default=(), compare=False)
    #: Sentences about pins that are for other machines.
    elsewhere: tuple[str, ...] = field(default=(), compare=False)
