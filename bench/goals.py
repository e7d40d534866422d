"""The goals of speed, and whether what was measured reaches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.results import Measurement, summarise

OWN, OWN_NGINX, OWN_POSTGRESQL = "packslip", "packslip with nginx", "packslip with PostgreSQL"
NGINX = "nginx"
DEVPI_NGINX = "devpi with nginx"

#: Stands for the peer that is best in a row.
BEST = "the best peer"

_PEERS = ("pypiserver", "devpi", DEVPI_NGINX, "simple-repository-server", "proxpi")

CPU, WALL = "cpu_ms", "seconds"


@dataclass(frozen=True)
class Bound:
    """At most `factor` times what `against` takes for the same, or for `case`; else of itself."""

    factor: float
    against: str = ""
    case: str = ""

    @property
    def words(self) -> str:
        times = f"1/{1 / self.factor:.0f} of" if self.factor < 1 else f"{self.factor:g} x"
        if not self.against:
            return f"at most {self.factor:g}"
        return f"{times} {self.against}{f', {self.case}' if self.case else ''}"


@dataclass(frozen=True)
class Goal:
    """A row of the table: one case, measured on `target`, and what it may take."""

    job: str
    case: str
    bounds: tuple[Bound, ...]
    target: str = OWN
    metric: str = CPU
    unit: str = "CPU ms"
    #: Peers that do the same; what others answer here is something else.
    peers: tuple[str, ...] = _PEERS


@dataclass(frozen=True)
class Judgement:
    """What one bound comes to. `holds` is None when something was not measured."""

    words: str
    allowed: float | None
    holds: bool | None


@dataclass(frozen=True)
class Row:
    """A goal with what was measured."""

    goal: Goal
    own: float | None
    best: tuple[str, float] | None
    nginx: float | None
    judgements: tuple[Judgement, ...]

    @property
    def holds(self) -> bool | None:
        """Whether all bounds hold; None while one of them is not known and none is broken."""
        verdicts = [one.holds for one in self.judgements]
        if False in verdicts:
            return False
        return None if None in verdicts else True


def _pages() -> list[Goal]:
    small = [f"{n}, {form}" for n in ("1 file", "7 files") for form in ("HTML", "JSON")]
    large = [
        f"2,000 files, {form}{coding}" for form in ("HTML", "JSON") for coding in ("", ", gzip")
    ]
    own = (Bound(1 / 8, BEST), Bound(12, NGINX))
    proxied = (Bound(1 / 40, BEST), Bound(1.5, NGINX))
    big = (Bound(1 / 8, BEST), Bound(4, NGINX))
    return [
        *(Goal(f"simple page, {case}", case, own) for case in small),
        *(Goal(f"simple page, {case}, with nginx", case, proxied, OWN_NGINX) for case in small),
        *(Goal(f"simple page, {case}", case, big) for case in large),
        *(
            Goal(f"304, {form}", f"2,000 files, {form}, 304",
                 (Bound(1.2, OWN, f"1 file, {form}, 304"),))
            for form in ("HTML", "JSON")
        ),
    ]  # fmt: skip


def _growth() -> list[Goal]:
    sizes = ("10,000", "100,000")
    listed = (Bound(1 / 10, BEST), Bound(10, NGINX))
    return [
        *(
            Goal(f"root list, {number} packages, {form}", case, listed)
            for number in sizes
            for form in ("HTML", "JSON")
            for case in [f"root list, {number} packages, {form}"]
        ),
        Goal("package page at 100,000 packages", "page, 100,000 packages",
             (Bound(1.2, OWN, "page, 79 packages"),)),
    ]  # fmt: skip


GOALS: tuple[Goal, ...] = (
    *_pages(),
    *_growth(),
    Goal("small file, recorded", "16 kB wheel", (Bound(1 / 3, "proxpi"),)),
    Goal("small file, recorded, with nginx", "16 kB wheel", (Bound(3, DEVPI_NGINX),), OWN_NGINX),
    Goal("30 MB file", "30 MB wheel", (Bound(1, "proxpi"), Bound(1.3, NGINX))),
    Goal(".metadata", "its .metadata", (Bound(1 / 8, "simple-repository-server"),),
         peers=("simple-repository-server", "proxpi")),
    Goal("upload of a small wheel", "16 kB wheel, 1 at a time", (Bound(1, "pypiserver"),)),
    Goal("the same at 10,000 files", "upload, 10,000 packages",
         (Bound(1.2, OWN, "upload, 79 packages"),)),
    Goal("300 MB upload, memory added", "300 MB upload", (Bound(16 * 2**20 / 1e6),),
         metric="added_mb", unit="MB"),
    Goal("uv pip install, server", "uv install", (Bound(1 / 3, DEVPI_NGINX),),
         metric="server_cpu_ms", unit="CPU ms"),
    Goal("uv pip install, wall", "uv install", (Bound(1, DEVPI_NGINX), Bound(1.25, NGINX)),
         metric=WALL, unit="s"),
    Goal("cold start", "start", (Bound(1),), metric=WALL, unit="s"),
    Goal("cold start, 100,000 packages", "start, 100,000 packages", (Bound(1),),
         metric=WALL, unit="s"),
    Goal("memory at rest, a process", "at rest, largest", (Bound(60 * 2**20 / 1e6),),
         metric="pss_mb", unit="MB (Pss)"),
    *(Goal(f"PostgreSQL, {case}", case, (Bound(1.5, OWN),), OWN_POSTGRESQL, peers=())
      for case in ("1 file, HTML", "1 file, JSON", "7 files, JSON", "2,000 files, JSON")),
)  # fmt: skip

#: What other commands of the bench measure.
ELSEWHERE = {
    "mirrored pages and files, warm: as hosted ones": "make bench-mirror",
    "home, search, project and statistics pages: 5 ms": "python -m bench pages",
}


def judge(measurements: Iterable[Measurement]) -> list[Row]:
    """A row for each goal."""
    found = _values(measurements)
    return [_row(goal, found) for goal in GOALS]


_Found = Mapping[tuple[str, str], Mapping[str, float]]


def _values(measurements: Iterable[Measurement]) -> _Found:
    found: dict[tuple[str, str], Mapping[str, float]] = {}
    for one in summarise(measurements):
        if one.suite in {"peers", "sizes"} and not one.values.get("failures"):
            found[one.target, one.case] = one.values
    for target in {target for target, _ in found}:
        each = [
            values["pss_mb"]
            for (other, case), values in found.items()
            if other == target and case.startswith("at rest, ") and "process" in case
            and "all processes" not in case and "packages" not in case
        ]  # fmt: skip
        if each:
            found[target, "at rest, largest"] = {"pss_mb": max(each)}
    return found


def _row(goal: Goal, found: _Found) -> Row:
    def value(target: str, case: str) -> float | None:
        return found.get((target, case), {}).get(goal.metric)

    own = value(goal.target, goal.case)
    others = [(number, peer) for peer in goal.peers if (number := value(peer, goal.case))]
    best = min(others, default=None)
    judgements = []
    for bound in goal.bounds:
        if not bound.against:
            allowed: float | None = bound.factor
        else:
            case = bound.case or goal.case
            other = best[0] if bound.against == BEST and best else value(bound.against, case)
            allowed = None if other is None else other * bound.factor
        holds = None if own is None or allowed is None else own <= allowed
        judgements.append(Judgement(bound.words, allowed, holds))
    shown = None if best is None else (best[1], best[0])
    return Row(goal, own, shown, value(NGINX, goal.case), tuple(judgements))
