"""Pictures of growth: what something costs, by the number of packages, both on scales of tens."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.results import Measurement, summarise

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 200, 40, 40

#: Told apart in light and dark, and by who sees red and green alike.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")

_SIZE = re.compile(r"([\d,]+) packages")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """One picture: the cases whose names begin so, of these servers."""

    file: str
    title: str
    cases: tuple[str, ...]
    metric: str
    unit: str


CURVES = (
    Curve("growth-page.svg", "A package's page, and an upload", ("page, ", "upload, "),
          "cpu_ms", "CPU ms"),
    Curve("growth-list.svg", "The list of all packages", ("root list, ",), "cpu_ms", "CPU ms"),
    Curve("growth-start.svg", "Cold start, to the first page", ("start, ",), "seconds", "s"),
)  # fmt: skip


def write_curves(measurements: Iterable[Measurement], folder: Path) -> list[Path]:
    """Write the pictures for which there are at least two sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list(measurements)
    written = []
    for curve in CURVES:
        lines = {name: one for name, one in _lines(found, curve).items() if len(one) > 1}
        if lines:
            path = folder / curve.file
            path.write_text(draw(curve.title, curve.unit, lines))
            written.append(path)
    return written


def draw(title: str, unit: str, lines: Mapping[str, Points]) -> str:
    """A picture of the lines; all numbers must be greater than 0."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)) + 1e-9)
    high = max(high, low + 1)
    first, last = math.log10(min(xs)), math.log10(max(xs))

    def place(x: float, y: float) -> tuple[float, float]:
        right, down = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        across = (math.log10(x) - first) / ((last - first) or 1)
        up = (math.log10(y) - low) / (high - low)
        return _LEFT + across * (right - _LEFT), down - up * (down - _TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        (
            "<style>text{font:12px sans-serif;fill:#57606a}"
            "@media(prefers-color-scheme:dark){text{fill:#b1bac4}}</style>"
        ),
        f'<text x="{_LEFT}" y="20">{escape(title)}, {escape(unit)}, by packages</text>',
    ]
    for power in range(low, high + 1):
        x, y = place(min(xs), 10.0**power)
        parts.append(_line(x, y, _WIDTH - _RIGHT, y))
        parts.append(_text(x - 6, y + 4, f"{10.0**power:g}", "end"))
    for size in sorted(set(xs)):
        x, y = place(size, 10.0**low)
        parts.append(_text(x, y + 18, f"{size:,.0f}", "middle"))
    parts += [_curve(number, name, [place(*one) for one in points])
              for number, (name, points) in enumerate(lines.items())]  # fmt: skip
    return "\n".join([*parts, "</svg>\n"])


def _curve(number: int, name: str, points: Points) -> str:
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
    y = _TOP + 12 + number * 20
    key = f'<rect x="{_WIDTH - _RIGHT + 16}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
    words = _text(_WIDTH - _RIGHT + 32, y, name, "start")
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return f"{line}{dots}{key}{words}"


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}"'
        ' stroke="#8c959f" stroke-opacity=".4"/>'
    )


def _lines(measurements: Sequence[Measurement], curve: Curve) -> dict[str, Points]:
    lines: dict[str, list[tuple[float, float]]] = {}
    sized = [one for one in measurements if one.suite == "sizes"]
    for one in summarise(sized):
        size = _SIZE.search(one.case)
        if size and one.case.startswith(curve.cases) and one.values.get(curve.metric):
            name = f"{one.target}: {_SIZE.sub('', one.case).strip(' ,').replace(', ,', ',')}"
            point = (float(size[1].replace(",", "")), one.values[curve.metric])
            lines.setdefault(name, []).append(point)
    return {name: sorted(points) for name, points in lines.items()}
