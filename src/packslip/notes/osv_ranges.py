"""Version specifiers (PEP 440) as ranges of OSV's format. Pure.

OSV knows events on a line of versions: `introduced`, `fixed`, `last_affected`. Specifiers are made
intervals first, whose ends are the smallest versions that no longer fit. Such an end is exact and
odd to read (`<1.3` ends before `1.3.dev0`), and tools print what stands at `fixed`; so ends are
moved to versions that the index has, which changes nothing for those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from packslip.packages.versions import parse_version

#: OSV's word for what comes before every version.
BEFORE_ALL = "0"


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from `low` (None: from the first) to before `high` (None: without an end)."""

    low: Version | None
    high: Version | None
    #: The last version that belongs to it, where it ends with one.
    last: Version | None = None
    #: Where it ends as somebody wrote it.
    written: Version | None = None


_ALL = (Interval(None, None),)


def intervals(specifiers: SpecifierSet) -> list[Interval]:
    """The versions that fit all specifiers, pre-releases included, in order.

    Local versions are not told apart from their public ones, and releases that differ from a
    written one by further zeros, such as `1.0.0.0.1` after `>1.0`, not from that one.
    """
    found: Sequence[Interval] = _ALL
    for one in specifiers:
        found = _common(found, _of_one(one))
    return list(found)


def osv_ranges(
    specifiers: SpecifierSet, known: Iterable[Version], fixed_in: Version | None = None
) -> list[list[dict[str, str]]]:
    """The events of each range.

    They hold exactly for the `known` versions, which are those that the index has. Others count as
    affected rather than not.
    """
    affected: Sequence[Interval] = intervals(specifiers)
    if fixed_in is not None:
        below = Interval(None, fixed_in, written=fixed_in)
        affected = _common(affected, [below])
    safe = sorted(version for version in known if not _is_in(Version(version.public), affected))
    joined = _without_empty_gaps(affected, safe)
    return [_events(one, safe, fixed_in if one is joined[-1] else None) for one in joined]


def _events(
    one: Interval, safe: Sequence[Version], fixed_in: Version | None
) -> list[dict[str, str]]:
    start = {"introduced": BEFORE_ALL if one.low is None else str(one.low)}
    if one.high is None:
        return [start]
    high = one.high
    after = [version for version in safe if version >= high]
    if fixed_in is not None and not any(version < fixed_in for version in after):
        return [start, {"fixed": str(fixed_in)}]
    if one.last is not None:
        return [start, {"last_affected": str(one.last)}]
    end = after[0] if after else one.written or high
    return [start, {"fixed": str(end)}]


def _without_empty_gaps(found: Sequence[Interval], safe: Sequence[Version]) -> list[Interval]:
    """Join neighbours that no version which the index has lies between."""
    joined = list(found[:1])
    for before, after in pairwise(found):
        low, high = before.high, after.low
        assert low is not None
        assert high is not None
        if any(low <= version < high for version in safe):
            joined.append(after)
        else:
            joined[-1] = replace(after, low=joined[-1].low)
    return joined


def _is_in(version: Version, found: Iterable[Interval]) -> bool:
    return any(
        (one.low is None or version >= one.low) and (one.high is None or version < one.high)
        for one in found
    )


def _common(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    both = [_both(one, other) for one in left for other in right]
    return [one for one in both if one is not None]


def _both(one: Interval, other: Interval) -> Interval | None:
    lows = [low for low in (one.low, other.low) if low is not None]
    low = max(lows, default=None)
    ends = [each for each in (one, other) if each.high is not None]
    if not ends:
        return Interval(low, None)
    end = min(ends, key=_high)
    if low is not None and low >= _high(end):
        return None
    return replace(end, low=low)


def _high(one: Interval) -> Version:
    assert one.high is not None
    return one.high


def _of_one(specifier: Specifier) -> Sequence[Interval]:
    operator, text = specifier.operator, specifier.version
    if text.endswith(".*"):
        return _of_prefix(operator, Version(text[:-2]))
    version = parse_version(text)
    if version is None or version.local is not None:
        # A text of any form, or one local version: no stretch of the line, but for all others.
        return _ALL if operator == "!=" else []
    if operator in _OF_VERSION:
        return _OF_VERSION[operator](version)
    if operator == "~=":
        prefix = _of_prefix("==", Version(_text(version.epoch, version.release[:-1])))
        return _common([Interval(version, None)], prefix)
    return [Interval(version, _after(version), last=version)]


def _of_prefix(operator: str, prefix: Version) -> Sequence[Interval]:
    first = Version(f"{_text(prefix.epoch, prefix.release)}.dev0")
    next_release = (*prefix.release[:-1], prefix.release[-1] + 1)
    written = Version(_text(prefix.epoch, next_release))
    end = Version(f"{written}.dev0")
    if operator == "==":
        return [Interval(first, end, written=written)]
    return [Interval(None, first, written=prefix), Interval(end, None)]


def _text(epoch: int, release: Iterable[int]) -> str:
    numbers = ".".join(map(str, release))
    return f"{epoch}!{numbers}" if epoch else numbers


def _after(version: Version) -> Version:
    """The smallest public version above a public one."""
    text = str(version)
    if version.dev is not None:
        return Version(f"{text.rpartition('.dev')[0]}.dev{version.dev + 1}")
    if version.post is not None:
        return Version(f"{text.rpartition('.post')[0]}.post{version.post + 1}.dev0")
    return Version(f"{text}.post0.dev0")


def _after_posts(version: Version) -> Version:
    """The smallest version that fits `>version`: post-releases of it do not."""
    if version.dev is not None or version.post is not None:
        return _after(version)
    base = _text(version.epoch, version.release)
    if version.pre is not None:
        letter, number = version.pre
        return Version(f"{base}{letter}{number + 1}.dev0")
    # There is no smallest one. This is smaller than all that anybody has.
    filled = (*version.release, *[0] * (3 - len(version.release)))
    return Version(f"{_text(version.epoch, (*filled, 1))}.dev0")


def _first_of(version: Version) -> Version:
    """The end of `<version`: its own pre-releases do not fit, unless it is one itself."""
    return version if version.is_prerelease else Version(f"{version}.dev0")


_OF_VERSION: dict[str, Callable[[Version], Sequence[Interval]]] = {
    ">=": lambda version: [Interval(version, None)],
    "<=": lambda version: [Interval(None, _after(version), last=version)],
    ">": lambda version: [Interval(_after_posts(version), None)],
    "<": lambda version: [Interval(None, _first_of(version), written=version)],
    "!=": lambda version: [Interval(None, version), Interval(_after(version), None)],
}
