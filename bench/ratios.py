"""How much a mirrored page or file costs beside a hosted one of the same server."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.results import Measurement

MIRRORED, HOSTED = "mirrored", "hosted"

#: What a mirrored answer may cost more than a hosted one to count as equal.
TOLERANCE = 0.10


@dataclass(frozen=True)
class Ratio:
    """Mirrored over hosted, of CPU time per answer and of answers per second."""

    target: str
    case: str
    cpu: float
    per_s: float

    @property
    def holds(self) -> bool:
        """Whether it costs the same. Answers per second tell more of the machine's other work."""
        return self.cpu <= 1 + TOLERANCE


def ratios(measurements: Iterable[Measurement]) -> list[Ratio]:
    """The median over the rounds, of each case that was measured in both ways.

    Each round is compared with itself: the two ways were measured one right after the other.
    """
    rounds: dict[tuple[str, str, int], dict[str, list[Measurement]]] = {}
    for one in measurements:
        case, _, way = one.case.rpartition(", ")
        if way in (MIRRORED, HOSTED):
            ways = rounds.setdefault((one.target, case, one.round), defaultdict(list))
            ways[way].append(one)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for (target, case, _), ways in rounds.items():
        if ways[MIRRORED] and ways[HOSTED]:
            pair = (_quotient(ways, "cpu_ms", min), _quotient(ways, "per_s", max))
            found.setdefault((target, case), []).append(pair)
    return [
        Ratio(target, case, *(statistics.median(column) for column in zip(*pairs, strict=True)))
        for (target, case), pairs in found.items()
    ]


def _quotient(
    ways: dict[str, list[Measurement]], metric: str, best: Callable[[Iterable[float]], float]
) -> float:
    """Of the best loads of each way: what else the machine does can only make them worse."""
    mirrored, hosted = (best(one.values[metric] for one in ways[w]) for w in (MIRRORED, HOSTED))
    return mirrored / hosted
