"""What a trial tried, and what came of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Tally:
    """Counts of what was tried, survived and lost, by words. Threads may share it."""

    tried: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    #: What was lost and may be, such as uploads that nobody acknowledged.
    lost: Counter[str] = field(default_factory=Counter)
    #: What must not be; the trial failed if there is any.
    faults: list[str] = field(default_factory=list)
    #: Why the trial was not run; empty when it was.
    skipped: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.tried[what] += number

    def keep(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.survived[what] += number

    def lose(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.lost[what] += number

    def fault(self, text: str) -> None:
        with self._lock:
            self.faults.append(text)

    def require(self, holds: bool, text: str) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.fault(text)

    def data(self) -> dict[str, Any]:
        return {
            "tried": dict(self.tried),
            "survived": dict(self.survived),
            "lost": dict(self.lost),
            "faults": self.faults,
            "skipped": self.skipped,
        }


def words(counts: Mapping[str, int]) -> str:
    """The counts as a phrase: `200 blows, 5312 uploads`."""
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number) or "nothing"


@dataclass(frozen=True)
class Options:
    """How long and how hard."""

    #: Blows of the kill loop.
    rounds: int = 200
    #: Clients of the mixed load, and for how long they go on.
    clients: int = 64
    seconds: float = 60.0
    #: Of those, how many install with real pip and uv; this many machines are made.
    installers: int = 8
    #: Connections of slow clients.
    slow: int = 500
    #: How often the server is asked to end.
    ends: int = 5
    #: Bytes of a large file.
    large: int = 300_000_000
    #: Seconds for which the database is held.
    held: float = 5.0
    seed: int = 0
    #: Start the server as people do, instead of forking it.
    afresh: bool = True


@dataclass(frozen=True)
class Arena:
    """Where a trial takes place."""

    folder: Path
    options: Options
    say: Callable[[str], None]


#: A trial: it notes all that happens in the tally, and raises only when it cannot go on.
Trial = Callable[[Arena, Tally], None]
