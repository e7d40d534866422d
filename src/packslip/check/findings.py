"""What is told about a pin: findings, each with a severity, made of facts about the pin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from packslip.check.readers.locks import Lock, LockedFile, Pin


class Severity(StrEnum):
    """How serious a finding is, with the words of SARIF."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(StrEnum):
    """What a finding is about."""

    HASH = "hash"
    QUARANTINE = "quarantine"
    HOLD = "hold"
    YANK = "yank"
    WARN = "warn"
    DEPRECATE = "deprecate"
    ARCHIVE = "archive"
    UNKNOWN_PACKAGE = "unknown-package"
    UNKNOWN_VERSION = "unknown-version"
    UNKNOWN_FILES = "unknown-files"
    NEWER = "newer"
    NOTE = "note"


SEVERITIES: Mapping[Kind, Severity] = {
    Kind.HASH: Severity.ERROR,
    Kind.QUARANTINE: Severity.ERROR,
    Kind.HOLD: Severity.ERROR,
    Kind.YANK: Severity.WARNING,
    Kind.WARN: Severity.WARNING,
    Kind.DEPRECATE: Severity.WARNING,
    Kind.ARCHIVE: Severity.WARNING,
    Kind.UNKNOWN_PACKAGE: Severity.NOTE,
    Kind.UNKNOWN_VERSION: Severity.NOTE,
    Kind.UNKNOWN_FILES: Severity.NOTE,
    Kind.NEWER: Severity.NOTE,
    Kind.NOTE: Severity.NOTE,
}

#: What the status of a package (PEP 792) is called here.
STATUS_KINDS = {
    "archived": Kind.ARCHIVE,
    "deprecated": Kind.DEPRECATE,
    "quarantined": Kind.QUARANTINE,
}

_ORDER = {kind: at for at, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know about a pin."""

    kind: Kind
    text: str
    #: The note that says so.
    note_id: int | None = None

    @property
    def severity(self) -> Severity:
        """How serious it is."""
        return SEVERITIES[self.kind]


@dataclass(frozen=True, slots=True)
class NoteFact:
    """A note about the pin that its reader may see; `kind` is what it does."""

    note_id: int
    title: str
    kind: Kind = Kind.NOTE


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of the pinned release, held here or upstream, with the digests that are known."""

    filename: str
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What the index knows of the pinned release."""

    upstream_yanked: bool = False
    upstream_yanked_reason: str | None = None
    files: Sequence[HeldFile] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the index knows about a pin."""

    #: Whether there is such a package, and it has a release.
    known: bool = False
    #: Why it could not be asked upstream whether there is such a package.
    unasked: str | None = None
    #: As its own index says it; acts are among the notes.
    upstream_status: str = "active"
    upstream_status_reason: str | None = None
    release: ReleaseFacts | None = None
    #: The latest release that the pin could be raised to.
    newer: str | None = None
    notes: Sequence[NoteFact] = ()


@dataclass(frozen=True, slots=True)
class CheckedPin:
    """A pin with what there is to know about it, the most serious first."""

    pin: Pin
    findings: Sequence[Finding]


@dataclass(frozen=True)
class CheckedLock:
    """A lock file with what there is to know about its pins."""

    lock: Lock
    pins: Sequence[CheckedPin]

    def count(self, severity: Severity) -> int:
        """How many findings of this severity there are."""
        return sum(found.severity is severity for one in self.pins for found in one.findings)

    def worst(self) -> Severity | None:
        """The severity of the most serious finding."""
        return next((severity for severity in Severity if self.count(severity)), None)


def findings_of(pin: Pin, facts: Facts) -> list[Finding]:
    """What there is to know about a pin, the most serious first."""
    found = [Finding(note.kind, note.title, note.note_id) for note in facts.notes]
    found += _of_the_index(pin, facts)
    return sorted(found, key=lambda finding: (_ORDER[finding.kind], finding.note_id or 0))


def _of_the_index(pin: Pin, facts: Facts) -> Iterator[Finding]:
    if not facts.known:
        yield Finding(Kind.UNKNOWN_PACKAGE, facts.unasked or "This index has no such package.")
        return
    kind = STATUS_KINDS.get(facts.upstream_status)
    if kind is not None:
        reason = facts.upstream_status_reason
        said = f"Upstream says {facts.upstream_status}"
        yield Finding(kind, f"{said}: {reason}" if reason else f"{said}.")
    if facts.release is None:
        yield Finding(Kind.UNKNOWN_VERSION, "This index has no such release.")
    else:
        yield from _of_the_release(pin, facts.release)
    if facts.newer is not None:
        yield Finding(Kind.NEWER, f"{facts.newer} is there.")


def _of_the_release(pin: Pin, release: ReleaseFacts) -> Iterator[Finding]:
    if release.upstream_yanked:
        reason = release.upstream_yanked_reason
        yield Finding(Kind.YANK, f"Yanked: {reason}" if reason else "Yanked, without a reason.")
    yield from _of_the_files(pin.files, release.files)


def _of_the_files(locked: Sequence[LockedFile], held: Sequence[HeldFile]) -> Iterator[Finding]:
    by_name = {file.filename: file.digests for file in held}
    # Only what both sides know can be compared: an index that mirrors may hold a part of the files.
    known = {
        file.filename: _agrees(file, by_name[file.filename])
        for file in locked
        if file.filename in by_name and file.algorithm in by_name[file.filename]
    }
    other = sorted(name for name, agrees in known.items() if name and not agrees)
    for name in other:
        yield Finding(Kind.HASH, f"The index holds other bytes under the name {name}.")
    if other or any(known.values()) or not held:
        return
    comparable = [file for file in locked if any(file.algorithm in one.digests for one in held)]
    if not comparable or any(_agrees(file, one.digests) for file in comparable for one in held):
        return
    if any(file.filename is None for file in comparable):
        yield Finding(Kind.HASH, "None of its hashes is that of a file that the index holds.")
    else:
        yield Finding(Kind.UNKNOWN_FILES, "The index holds none of the files that it names.")


def _agrees(file: LockedFile, digests: Mapping[str, str]) -> bool:
    return digests.get(file.algorithm) == file.digest
