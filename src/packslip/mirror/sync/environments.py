"""Where packages are to be installed: which wheels fit there, and which markers may hold there.

Pure: no framework, no database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, parse_tag

from packslip.errors import InvalidError
from packslip.texts import brief

#: Stands for "no platform in particular" among tags.
_SOME = "some"

#: What a Python whose third number was not given may be.
_PATCHES = (0, 99)

_PYTHON = re.compile(r"(3)\.(\d{1,3})(?:\.(\d{1,3}))?\Z")
_PLATFORM = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*\Z")
_LINUX = re.compile(r"(many|musl)linux_(\d+)_(\d+)_([a-z0-9_]+)\Z")
_OLD_LINUX = re.compile(r"manylinux(1|2010|2014)_([a-z0-9_]+)\Z")
_MAC = re.compile(r"macosx_(\d+)_(\d+)_([a-z0-9_]+)\Z")

#: The glibc that the old names stand for (PEP 600).
_GLIBC = {"1": 5, "2010": 12, "2014": 17}
_FIRST_GLIBC = 5

_WINDOWS = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64"}


class InvalidPythonError(InvalidError):
    """The text is no version of Python to install for."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{brief(text)!r} is no version of Python 3. Write it like 3.12.")


class InvalidPlatformError(InvalidError):
    """The text is no platform to install on."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{brief(text)!r} is no platform tag. Write it like manylinux_2_28_x86_64, "
            "macosx_14_0_arm64, win_amd64 or any."
        )


@dataclass(frozen=True)
class Environment:
    """A Python on a platform; what is not given may be anything."""

    #: Such as `3.12` or `3.12.4`; CPython.
    python: str | None = None
    #: A platform tag.
    platform: str | None = None
    #: Variables of markers with the values that they may have; others may have any.
    variables: Sequence[Mapping[str, str]] = field(default=({},), compare=False)

    def __str__(self) -> str:
        return " ".join(
            [f"Python {self.python}" if self.python else "any Python"]
            + ([f"on {self.platform}"] if self.platform else [])
        )

    def takes_python(self, requires_python: str | None) -> bool:
        """Whether a file with that `Requires-Python` is installed there; a faulty one is."""
        specifiers = _specifiers(requires_python)
        if self.python is None or specifiers is None:
            return True
        return any(specifiers.contains(one, prereleases=True) for one in _patches(self.python))

    def takes_wheel(self, tags: str) -> bool:
        """Whether a wheel with these tags, as its name gives them, is installed there."""
        return any(self._takes(tag) for tag in parse_tag(tags))

    def _takes(self, tag: Tag) -> bool:
        platforms = None if self.platform is None else _expanded(self.platform)
        if platforms is not None and tag.platform not in platforms:
            return False
        if self.python is None:
            return True
        platform = "any" if tag.platform == "any" else _SOME
        return Tag(tag.interpreter, tag.abi, platform) in _tags(self.python)

    def may_hold(self, marker: str | None, extras: Collection[str] = ()) -> bool:
        """Whether the marker can be true there with these extras (normalised); a faulty one is."""
        if marker is None:
            return True
        return any(
            _may_hold(marker, tuple(sorted(variables.items())), extra)
            for variables in self.variables
            for extra in ("", *extras)
        )


def environments_of(pythons: Iterable[str], platforms: Iterable[str]) -> tuple[Environment, ...]:
    """Each of the Pythons on each of the platforms; one that may be anything for nothing.

    Raises:
        InvalidPythonError: one is no version of Python.
        InvalidPlatformError: one is no platform.
    """
    for python in (some_pythons := tuple(dict.fromkeys(pythons))):
        if _PYTHON.match(python) is None:
            raise InvalidPythonError(python)
    for platform in (some_platforms := tuple(dict.fromkeys(platforms))):
        if _PLATFORM.match(platform) is None or platform == "source":
            raise InvalidPlatformError(platform)
    return tuple(
        Environment(python, platform, tuple(_variables(python, platform)))
        for python, platform in product(some_pythons or (None,), some_platforms or (None,))
    )


def _variables(python: str | None, platform: str | None) -> Iterator[dict[str, str]]:
    known = _platform_variables(platform)
    if python is None:
        yield known
        return
    known["python_version"] = ".".join(python.split(".")[:2])
    known["platform_python_implementation"] = "CPython"
    known["implementation_name"] = "cpython"
    for full in _patches(python):
        yield {**known, "python_full_version": full, "implementation_version": full}


def _platform_variables(platform: str | None) -> dict[str, str]:
    if platform is None:
        return {}
    system: dict[str, str] = {}
    machine: str | None = None
    if platform in _WINDOWS:
        system = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}
        machine = _WINDOWS[platform]
    elif match := _MAC.match(platform):
        system = {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"}
        machine = match[3] if match[3] in {"arm64", "x86_64"} else None
    elif match := _LINUX.match(platform) or _OLD_LINUX.match(platform):
        system = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
        machine = match[match.lastindex or 0]
    elif platform.startswith("linux_"):
        system = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
        machine = platform.removeprefix("linux_")
    return system | ({"platform_machine": machine} if machine else {})


def _patches(python: str) -> list[str]:
    if python.count(".") > 1:
        return [python]
    return [f"{python}.{patch}" for patch in _PATCHES]


@lru_cache(maxsize=1024)
def _specifiers(text: str | None) -> SpecifierSet | None:
    try:
        return None if text is None else SpecifierSet(text)
    except (InvalidSpecifier, ValueError):
        return None


@lru_cache(maxsize=64)
def _tags(python: str) -> frozenset[Tag]:
    """What CPython of that version takes on some platform."""
    major, minor = (int(part) for part in python.split(".")[:2])
    name = f"cp{major}{minor}"
    return frozenset(
        [
            *cpython_tags((major, minor), abis=[name], platforms=[_SOME]),
            *compatible_tags((major, minor), interpreter=name, platforms=[_SOME]),
        ]
    )


@lru_cache(maxsize=64)
def _expanded(platform: str) -> frozenset[str]:
    """The platforms whose wheels run on it: older systems, and none in particular."""
    found = {"any", platform}
    if match := _MAC.match(platform):
        found.update(mac_platforms((int(match[1]), int(match[2])), match[3]))
    elif match := _LINUX.match(platform):
        kind, major, minor, machine = match[1], int(match[2]), int(match[3]), match[4]
        found.update(f"{kind}linux_{major}_{number}_{machine}" for number in range(minor + 1))
        found.add(f"linux_{machine}")
        if kind == "many" and major == 2:
            found.update(_old_names(minor, machine))
    elif match := _OLD_LINUX.match(platform):
        minor, machine = _GLIBC[match[1]], match[2]
        found.update(f"manylinux_2_{n}_{machine}" for n in range(_FIRST_GLIBC, minor + 1))
        found.add(f"linux_{machine}")
        found.update(_old_names(minor, machine))
    return frozenset(found)


def _old_names(minor: int, machine: str) -> Iterator[str]:
    return (f"manylinux{name}_{machine}" for name, glibc in _GLIBC.items() if glibc <= minor)


@lru_cache(maxsize=20_000)
def _may_hold(marker: str, known: tuple[tuple[str, str], ...], extra: str) -> bool:
    try:
        parsed = Marker(marker)
    except (InvalidMarker, ValueError, RecursionError):
        return True
    # The library evaluates a marker only where all of its variables are known.
    return _any_group(parsed._markers, {**dict(known), "extra": extra})  # noqa: SLF001


def _any_group(parts: Sequence[Any], known: Mapping[str, str]) -> bool:
    groups: list[list[bool]] = [[]]
    for part in parts:
        if part == "or":
            groups.append([])
        elif part != "and":
            is_group = isinstance(part, list)
            groups[-1].append(_any_group(part, known) if is_group else _compare(part, known))
    return any(all(group) for group in groups)


def _compare(part: Sequence[Any], known: Mapping[str, str]) -> bool:
    names = {str(side) for side in (part[0], part[2]) if type(side).__name__ == "Variable"}
    if not names <= known.keys():
        return True
    text = " ".join(side.serialize() for side in part)
    try:
        return Marker(text).evaluate(dict(known))
    except (InvalidMarker, ValueError, KeyError):
        return True
