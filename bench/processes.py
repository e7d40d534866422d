"""CPU time and memory of processes, from Linux's /proc. All sizes are bytes, all times seconds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

#: What reading /proc raises when the process has just ended.
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True)
class Stat:
    """What /proc/PID/stat tells, as far as it is needed here."""

    pid: int
    parent: int
    session: int
    cpu: float


@dataclass(frozen=True)
class Memory:
    """The memory of one process.

    `rss` counts shared pages in full; `pss` shares them out among the processes that use them,
    so that it may be added up; `high_water` is the largest `rss` since `reset_high_water`.
    """

    pid: int
    rss: int
    pss: int
    high_water: int


def parse_stat(text: str) -> Stat:
    """Parse a /proc/PID/stat line; `cpu` includes the children that were waited for."""
    pid, _, rest = text.partition(" ")
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    fields = rest.rpartition(")")[2].split()
    return Stat(
        pid=int(pid),
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu=sum(map(int, fields[11:15])) / _TICKS,
    )


def read_stats() -> dict[int, Stat]:
    """Read the stat of every process of the machine."""
    stats = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(*_GONE):
                stat = parse_stat((folder / "stat").read_text())
                stats[stat.pid] = stat
    return stats


def tree(root: int) -> list[Stat]:
    """The process, what descends from it, and what runs in its session; sorted by pid."""
    stats = read_stats()
    members = {pid for pid, stat in stats.items() if root in (pid, stat.session)}
    found = members
    while found:
        found = {s.pid for s in stats.values() if s.parent in found} - members
        members |= found
    return [stats[pid] for pid in sorted(members)]


def cpu_seconds(root: int) -> float:
    """CPU time that the tree has used so far, its ended processes included."""
    return sum(stat.cpu for stat in tree(root))


def read_memory(pid: int) -> Memory | None:
    """The memory of a process; None when it has ended."""
    try:
        rollup = _sizes((PROC / str(pid) / "smaps_rollup").read_text())
        status = _sizes((PROC / str(pid) / "status").read_text())
        return Memory(pid=pid, rss=rollup["Rss"], pss=rollup["Pss"], high_water=status["VmHWM"])
    except (*_GONE, KeyError):
        return None


def tree_memory(root: int) -> list[Memory]:
    """The memory of each process of the tree, sorted by pid."""
    return [memory for stat in tree(root) if (memory := read_memory(stat.pid))]


def settled_memory(root: int, patience: float = 15.0) -> list[Memory]:
    """The memory of each process, once the tree neither grows nor works any more."""
    deadline = time.monotonic() + patience
    before: tuple[list[int], float] | None = None
    while True:
        stats = tree(root)
        now = ([stat.pid for stat in stats], sum(stat.cpu for stat in stats))
        if now == before or time.monotonic() > deadline:
            return tree_memory(root)
        before = now
        time.sleep(0.5)


def settled_cpu(root: int, patience: float = 15.0) -> float:
    """CPU time that the tree has used, once it does next to nothing any more."""
    deadline = time.monotonic() + patience
    before = cpu_seconds(root)
    while True:
        time.sleep(0.5)
        now = cpu_seconds(root)
        if now - before <= 0.02 or time.monotonic() > deadline:
            return now
        before = now


def reset_high_water(pids: Iterable[int]) -> None:
    """Let `high_water` of these processes begin anew at what they hold now."""
    for pid in pids:
        (PROC / str(pid) / "clear_refs").write_text("5")


def _sizes(text: str) -> dict[str, int]:
    sizes = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            sizes[name] = int(value.split()[0]) * 1024
    return sizes


def _rss(pid: int) -> int:
    with suppress(*_GONE):
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    return 0


class MemoryWatch:
    """Watches a tree's memory while the `with` block runs.

    Afterwards `added` is how far the memory rose above its start, in bytes: the larger of two
    views, since each has a blind spot. The kernel's high-water marks see every moment, but of
    each process by itself; the samples see processes that came and went, but not each moment.
    """

    INTERVAL = 0.02

    def __init__(self, root: int) -> None:
        self.root = root
        self.before = 0
        self.after = 0
        self.added = 0
        self._peak = 0
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._start = {memory.pid: memory.rss for memory in tree_memory(self.root)}
        reset_high_water(self._start)
        self.before = self._peak = sum(self._start.values())
        self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._sampler.join()
        end = tree_memory(self.root)
        self.after = sum(memory.rss for memory in end)
        by_marks = sum(max(0, m.high_water - self._start.get(m.pid, 0)) for m in end)
        self.added = max(by_marks, self._peak - self.before)

    def _sample(self) -> None:
        pids: list[int] = []
        looked = 0.0
        while not self._done.wait(self.INTERVAL):
            # Looking through all of /proc is dear; new processes are rare.
            if time.monotonic() - looked > 0.5:
                pids = [stat.pid for stat in tree(self.root)]
                looked = time.monotonic()
            self._peak = max(self._peak, sum(map(_rss, pids)))
