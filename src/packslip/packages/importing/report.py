"""What an import did, item by item and in sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from packslip.errors import InvalidError


class NotImportableError(InvalidError):
    """It is nothing that can be imported. The reason is a few words."""


class Kind(StrEnum):
    """What an import counts."""

    PACKAGE = "packages"
    RELEASE = "releases"
    FILE = "files"
    USER = "users"
    MAINTAINER = "maintainers"
    LICENSE = "licenses"
    LANGUAGE = "languages"


class Outcome(StrEnum):
    """What became of something, the most telling first."""

    FAILED = "failed"
    ADDED = "added"
    CHANGED = "changed"
    PRESENT = "present"
    SKIPPED = "skipped"


_ORDER = list(Outcome)
_COUNTED = (Outcome.ADDED, Outcome.CHANGED, Outcome.PRESENT)


@dataclass(frozen=True)
class Skip:
    """Something in an item that was left out."""

    kind: Kind
    name: str
    #: A few words, the same for all that was left out for it.
    reason: str


@dataclass
class Changes:
    """What became of the things that an item brought."""

    #: By kind and by a key within it.
    outcomes: dict[tuple[Kind, str], Outcome] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)

    def note(self, kind: Kind, key: str, outcome: Outcome) -> None:
        """Note what became of something; of several outcomes the most telling one stays."""
        before = self.outcomes.get((kind, key), outcome)
        self.outcomes[kind, key] = min(before, outcome, key=_ORDER.index)

    @property
    def are_any(self) -> bool:
        """Whether anything was added or changed."""
        return not {Outcome.ADDED, Outcome.CHANGED}.isdisjoint(self.outcomes.values())

    def counts(self) -> dict[str, dict[str, int]]:
        """How many of each kind were added, changed and already there."""
        found = Counter((kind, outcome) for (kind, _), outcome in self.outcomes.items())
        return {kind: {outcome: found[kind, outcome] for outcome in _COUNTED} for kind in Kind}


@dataclass(frozen=True)
class Item:
    """One file of the folder, and what became of it."""

    path: str
    outcome: Outcome
    #: The package's normalised name, where it was found out.
    package: str | None = None
    #: Why it was skipped, or failed.
    reason: str | None = None
    changes: Changes = field(default_factory=Changes)

    def data(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "path": self.path,
            "outcome": self.outcome,
            "package": self.package,
            "reason": self.reason,
            "counts": self.changes.counts(),
            "skipped": [
                {"kind": skip.kind, "name": skip.name, "reason": skip.reason}
                for skip in self.changes.skips
            ],
        }

    def lines(self) -> Iterator[str]:
        """What a person wants to know: whether it failed, and what was left out."""
        if self.reason is not None:
            yield f"{self.outcome}: {self.path}: {self.reason}"
        for skip in self.changes.skips:
            yield f"skipped: {self.path}: {_SINGULAR[skip.kind]} {skip.name!r}: {skip.reason}"


_SINGULAR = {kind: kind.removesuffix("s") for kind in Kind}


@dataclass
class Report:
    """All items together. Each thing counts once, however many items brought it."""

    items: Counter[Outcome] = field(default_factory=Counter)
    changes: Changes = field(default_factory=Changes)
    #: By reason.
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item) -> None:
        """Count an item."""
        self.items[item.outcome] += 1
        if item.outcome == Outcome.SKIPPED and item.reason:
            self.skipped[item.reason] += 1
        self.skipped.update(skip.reason for skip in item.changes.skips)
        for (kind, key), outcome in item.changes.outcomes.items():
            self.changes.note(kind, key, outcome)

    def data(self) -> dict[str, Any]:
        """The summary for JSON."""
        return {
            "items": {outcome: self.items[outcome] for outcome in Outcome},
            **self.changes.counts(),
            "skipped": dict(self.skipped.most_common()),
        }

    def lines(self) -> Iterator[str]:
        """The summary for a person."""
        yield f"looked at: {_counted({o: self.items[o] for o in Outcome})}"
        for kind, counts in self.changes.counts().items():
            yield f"{_WORDS.get(kind, kind)}: {_counted(counts)}"
        for reason, count in self.skipped.most_common():
            yield f"skipped {count}: {reason}"


#: What prose calls otherwise.
_WORDS: Mapping[str, str] = {Kind.LICENSE: "licences", Outcome.PRESENT: "already there"}


def _counted(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{n} {_WORDS.get(outcome, outcome)}" for outcome, n in counts.items() if n)
        or "none"
    )
