"""What was measured, and its medians."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: One answer to "how much", by the name of the metric: `cpu_ms`, `added_mb` and so on.
Values = dict[str, float]


@dataclass(frozen=True)
class Measurement:
    """What one case gave in one round; `limits` holds what metrics must stay below."""

    suite: str
    target: str
    case: str
    round: int
    values: Values
    limits: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Limit:
    """A metric that must stay below a value in every round, and the worst that it was."""

    case: str
    metric: str
    worst: float
    below: float

    @property
    def kept(self) -> bool:
        return self.worst < self.below


@dataclass(frozen=True)
class Results:
    """A whole run: on what, how, what came out, and what a reader must know besides."""

    machine: dict[str, str]
    options: dict[str, object]
    measurements: list[Measurement]
    notes: list[str]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1, default=str) + "\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        data = json.loads(path.read_text())
        data["measurements"] = [Measurement(**one) for one in data["measurements"]]
        return cls(**data)

    def limits(self) -> list[Limit]:
        """Each limit that was set, with the largest value of any round."""
        found: dict[tuple[str, ...], Limit] = {}
        for one in self.measurements:
            for metric, below in one.limits.items():
                key = (one.suite, one.case, one.target, metric)
                worst = max(one.values[metric], found[key].worst if key in found else 0.0)
                found[key] = Limit(f"{one.suite}, {one.case}, {one.target}", metric, worst, below)
        return list(found.values())


@dataclass(frozen=True)
class Summary:
    """The medians over the rounds of one case on one target."""

    suite: str
    case: str
    target: str
    rounds: int
    values: Values


def summarise(measurements: Iterable[Measurement]) -> list[Summary]:
    """The median of each metric over the rounds, in the order of their first appearance.

    Failures are added up instead: one in any round must not vanish in a median.
    """
    groups: dict[tuple[str, str, str], list[Measurement]] = {}
    for one in measurements:
        groups.setdefault((one.suite, one.case, one.target), []).append(one)
    return [
        Summary(suite, case, target, len(group), _medians([one.values for one in group]))
        for (suite, case, target), group in groups.items()
    ]


def _medians(rounds: list[Values]) -> Values:
    names = dict.fromkeys(name for values in rounds for name in values)
    by_name = {name: [values[name] for values in rounds if name in values] for name in names}
    return {
        name: sum(found) if name == "failures" else statistics.median(found)
        for name, found in by_name.items()
    }
