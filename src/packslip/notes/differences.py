"""What differs between two texts, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

#: Changed lines that are compared; of more it is only said that all of them changed.
MAX_COMPARED = 2_000

#: Lines around a change that are shown with it.
CONTEXT = 3


class Kind(StrEnum):
    """What became of a line."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    #: Stands for lines that did not change and are left out.
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Line:
    """A line of either text, with its number in each that has it."""

    kind: Kind
    text: str
    old: int | None = None
    new: int | None = None


def difference(old: str, new: str) -> list[Line]:
    """The lines of both texts in order, those far from any change left out; empty if equal."""
    if old == new:
        return []
    return list(_fold(list(_lines(old.split("\n"), new.split("\n")))))


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    begin = 0
    while begin < min(len(old), len(new)) and old[begin] == new[begin]:
        begin += 1
    end = 0
    while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    for at in range(begin):
        yield Line(Kind.SAME, old[at], at + 1, at + 1)
    yield from _compare(old[begin : len(old) - end], new[begin : len(new) - end], begin)
    for at in range(-end, 0):
        yield Line(Kind.SAME, old[at], len(old) + at + 1, len(new) + at + 1)


def _compare(old: Sequence[str], new: Sequence[str], before: int) -> Iterator[Line]:
    for kind, i, j, k, m in _opcodes(old, new):
        if kind == "equal":
            for step in range(j - i):
                yield Line(Kind.SAME, old[i + step], before + i + step + 1, before + k + step + 1)
            continue
        for at in range(i, j):
            yield Line(Kind.REMOVED, old[at], old=before + at + 1)
        for at in range(k, m):
            yield Line(Kind.ADDED, new[at], new=before + at + 1)


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if max(len(old), len(new)) > MAX_COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new).get_opcodes()


def _fold(lines: Sequence[Line]) -> Iterator[Line]:
    near = [False] * len(lines)
    for at, line in enumerate(lines):
        if line.kind is not Kind.SAME:
            low, high = max(0, at - CONTEXT), min(len(lines), at + CONTEXT + 1)
            near[low:high] = [True] * (high - low)
    left_out = 0
    for line, shown in zip(lines, near, strict=True):
        if not shown:
            left_out += 1
            continue
        if left_out:
            yield _gap(left_out)
            left_out = 0
        yield line
    if left_out:
        yield _gap(left_out)


def _gap(count: int) -> Line:
    return Line(Kind.LEFT_OUT, f"{count} unchanged line{'' if count == 1 else 's'}")
