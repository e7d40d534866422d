"""What a lock file says: pins, and what else stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from packslip.errors import InvalidError, TooLargeError
from packslip.packages.versions import normal_form, parse_version
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.texts import brief

#: Bytes of a lock file that is read; with what is around it a form takes no more.
MAX_SIZE = 2_000_000

#: Pins of a lock file that is read.
MAX_PINS = 5_000

#: Hashes of one pin that are looked at.
_MOST_HASHES = 1_000

_HASH = re.compile(r"([a-z0-9_]{1,20})[:=]([0-9a-f]{16,128})\Z", re.IGNORECASE | re.ASCII)

_CREDENTIALS = re.compile(r"//[^/\s]*@")


class LockKind(StrEnum):
    """The kinds of lock files, by what makes them."""

    REQUIREMENTS = "requirements.txt"
    UV = "uv.lock"
    PYLOCK = "pylock.toml"
    POETRY = "poetry.lock"
    PDM = "pdm.lock"


class BrokenLockError(InvalidError):
    """A lock file cannot be read."""

    field = "file"

    def __init__(self, filename: str, line: int | None, fault: str) -> None:
        place = brief(filename) if line is None else f"{brief(filename)}, line {line}"
        super().__init__(f"{place}: {fault}")
        self.filename = filename
        self.line = line


class LockTooLargeError(TooLargeError):
    """A lock file is larger than what is read."""

    field = "file"

    def __init__(self, filename: str, limit: str) -> None:
        super().__init__(f"{brief(filename)} is too large: {limit} are read.")


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file that a pin allows; requirements give only its hash."""

    algorithm: str
    digest: str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A distribution of one version that a lock file asks an index for."""

    #: Normalised.
    name: str
    version: str
    line: int
    files: Sequence[LockedFile] = ()
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not looked at, and why."""

    what: str
    why: str
    line: int


NOT_OF_AN_INDEX = "it does not come from an index"
NOT_PINNED = "it is not pinned to one version"


@dataclass(frozen=True)
class Lock:
    """A lock file that was read."""

    filename: str
    kind: LockKind
    pins: Sequence[Pin]
    skipped: Sequence[Skipped]


@dataclass
class LockBuilder:
    """Gathers what a reader finds, within the limits."""

    filename: str
    kind: LockKind
    pins: dict[tuple[str, str], Pin] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def add(
        self,
        name: str,
        version: str,
        line: int,
        files: Iterable[LockedFile] = (),
        marker: str | None = None,
    ) -> None:
        """Add a pin. The same one again, as for extras or other markers, adds its files.

        Raises:
            BrokenLockError: nothing can have such a name or version.
            LockTooLargeError: there are too many.
        """
        try:
            normalized = normalize_name(name)
        except InvalidPackageNameError:
            raise self.broken(line, f"{brief(name)!r} is no name of a package.") from None
        if len(version) > 200 or parse_version(version) is None:
            raise self.broken(line, f"{brief(version)!r} is no version of {normalized}.")
        key = (normalized, normal_form(version))
        known = self.pins.get(key)
        held = list(files)[:_MOST_HASHES]
        if known is None:
            self.pins[key] = Pin(*key, line, tuple(held), marker)
            self._keep_within_limits()
        else:
            together = tuple(dict.fromkeys([*known.files, *held]))[:_MOST_HASHES]
            self.pins[key] = Pin(*key, known.line, together, known.marker)

    def skip(self, what: str, why: str, line: int) -> None:
        """Add what is not looked at."""
        self.skipped.append(Skipped(shown(what), why, line))
        self._keep_within_limits()

    def broken(self, line: int | None, fault: str) -> BrokenLockError:
        """The error for a fault in this file."""
        return BrokenLockError(self.filename, line, fault)

    def lock(self) -> Lock:
        """What was gathered."""
        return Lock(self.filename, self.kind, tuple(self.pins.values()), tuple(self.skipped))

    def _keep_within_limits(self) -> None:
        if len(self.pins) + len(self.skipped) > MAX_PINS:
            raise LockTooLargeError(self.filename, f"at most {MAX_PINS:,} entries")


def shown(text: str) -> str:
    """A part of a lock file as it can be repeated: short, and without passwords of addresses."""
    return brief(_CREDENTIALS.sub("//", text))


def locked_file(text: object, filename: str | None = None) -> LockedFile | None:
    """A file by its hash in the form `sha256:…`; None for what is no hash."""
    match = _HASH.match(text) if isinstance(text, str) else None
    return match and LockedFile(match[1].lower(), match[2].lower(), filename)


def locked_files(hashes: object, filename: str | None = None) -> list[LockedFile]:
    """A file by a table of its hashes, as `pylock.toml` has it."""
    if not isinstance(hashes, Mapping):
        return []
    found = (locked_file(f"{name}:{digest}", filename) for name, digest in hashes.items())
    return [file for file in found if file is not None]
