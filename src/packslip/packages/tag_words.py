"""What a wheel fits, in words: its compatibility tags (PEP 425), as people would say them.

`cp311-cp311-manylinux_2_17_x86_64` is "Linux x86-64 (glibc 2.17 or newer), CPython 3.11". What is
not known stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

#: So many systems or Pythons are named, and the rest is counted.
MOST_NAMED = 8

_IMPLEMENTATIONS = {
    "py": "Python",
    "cp": "CPython",
    "pp": "PyPy",
    "ip": "IronPython",
    "jy": "Jython",
    "graalpy": "GraalPy",
}
_MACHINES = {
    "x86_64": "x86-64",
    "amd64": "x86-64",
    "i686": "32-bit x86",
    "i386": "32-bit x86",
    "aarch64": "ARM64",
    "arm64": "ARM64",
    "arm64_v8a": "ARM64",
    "armv7l": "ARMv7",
    "armv6l": "ARMv6",
    "armeabi_v7a": "ARMv7",
    "ppc64le": "POWER (little-endian)",
    "ppc64": "POWER",
    "ppc": "PowerPC",
    "s390x": "IBM Z",
    "riscv64": "RISC-V 64",
    "loongarch64": "LoongArch 64",
    "universal2": "Intel and Apple silicon",
    "universal": "PowerPC and Intel",
    "intel": "Intel, 32- and 64-bit",
    "fat": "PowerPC and Intel, 32-bit",
    "fat32": "PowerPC and Intel, 32-bit",
    "fat64": "PowerPC and Intel, 64-bit",
}
_MAC_MACHINES = {"x86_64": "Intel", "arm64": "Apple silicon"}
_WINDOWS = {"win32": "32-bit x86", "win_amd64": "x86-64", "win_arm64": "ARM64", "win_arm32": "ARM"}

#: Older names of manylinux, with the glibc that each stands for (PEP 600).
_OLD_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}

_PYTHON = re.compile(r"(graalpy|[a-z]{2})(\d)(\d{0,3})")
_MANYLINUX = re.compile(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)")
_VERSIONED = re.compile(
    r"(manylinux|musllinux|macosx|ios|android|pyodide|emscripten)_(\d{1,9})(?:_(\d{1,9}))?(?:_(\w+))?"
)
_STABLE = {"abi3", "abi3t"}
#: What follows the Python tag in an ABI tag, or the stable ABI (PEP 703, PEP 803).
_FREE_THREADED = re.compile(r"td?|abi3t")
_IOS = {"iphoneos": "", "iphonesimulator": ", simulator"}


class _System(NamedTuple):
    #: What stands before the version: "Linux x86-64" of "Linux x86-64 (glibc 2.17 or newer)".
    name: str
    #: What stands before the number in brackets: "glibc ".
    library: str = ""
    #: The oldest that will do; empty where there is none.
    version: tuple[int, ...] = ()

    def words(self) -> str:
        if not self.version:
            return self.name
        return f"{self.name} ({self.library}{_number(self.version)} or newer)"


def describe_tags(tags: str) -> str:
    """What a wheel with these tags fits: `python-abi-platform`, each of them perhaps several.

    What are no tags, such as `source`, comes back as it is.
    """
    parts = tags.split("-")
    if len(parts) != 3:
        return tags
    pythons, abis, platforms = (part.split(".") for part in parts)
    return f"{_systems(platforms)}, {_pythons(pythons, abis)}"


def _systems(platforms: list[str]) -> str:
    if "any" in platforms:
        return "Any system"
    oldest: dict[tuple[str, str], _System] = {}
    for platform in platforms:
        system = _system(platform)
        key = system.name, system.library
        if key not in oldest or system.version < oldest[key].version:
            oldest[key] = system
    return _some(system.words() for system in oldest.values())


def _system(platform: str) -> _System:
    if platform in _WINDOWS:
        return _System(f"Windows {_WINDOWS[platform]}")
    if match := _MANYLINUX.fullmatch(platform):
        return _System(f"Linux {_machine(match[2])}", "glibc ", _OLD_MANYLINUX[match[1]])
    if platform.startswith("linux_"):
        return _System(f"Linux {_machine(platform.removeprefix('linux_'))}")
    if match := _VERSIONED.fullmatch(platform):
        kind, major, minor, rest = match.groups()
        version = (int(major), int(minor)) if minor else (int(major),)
        return _KINDS[kind](version, rest or "")
    return _System(platform)


def _linux(library: str) -> Callable[[tuple[int, ...], str], _System]:
    return lambda version, rest: _System(f"Linux {_machine(rest)}", f"{library} ", version)


def _mac(version: tuple[int, ...], rest: str) -> _System:
    return _System(f"macOS on {_MAC_MACHINES.get(rest) or _machine(rest)}", "", version)


def _ios(version: tuple[int, ...], rest: str) -> _System:
    machine, _, kind = rest.rpartition("_")
    return _System(f"iOS {_machine(machine)}{_IOS.get(kind, f' {kind}')}", "", version)


def _android(version: tuple[int, ...], rest: str) -> _System:
    # Its tags have one number, the API level.
    return _System(f"Android {_machine(rest)}", "API ", version)


def _in_browsers(name: str) -> Callable[[tuple[int, ...], str], _System]:
    # Whatever was built for one version of these runs with no other.
    return lambda version, rest: _System(f"{name} {_number(version)}")


_KINDS: dict[str, Callable[[tuple[int, ...], str], _System]] = {
    "manylinux": _linux("glibc"),
    "musllinux": _linux("musl"),
    "macosx": _mac,
    "ios": _ios,
    "android": _android,
    "pyodide": _in_browsers("Pyodide (WebAssembly)"),
    "emscripten": _in_browsers("Emscripten (WebAssembly)"),
}


def _machine(name: str) -> str:
    return _MACHINES.get(name, name)


def _pythons(pythons: list[str], abis: list[str]) -> str:
    stable = any(abi in _STABLE for abi in abis)
    found: dict[str, list[tuple[int, ...]]] = {}
    odd = []
    for tag in pythons:
        match = _PYTHON.fullmatch(tag)
        if match is None or match[1] not in _IMPLEMENTATIONS:
            odd.append(tag)
            continue
        version = (int(match[2]), int(match[3])) if match[3] else (int(match[2]),)
        found.setdefault(match[1], []).append(version)
    words = [
        f"{_IMPLEMENTATIONS[name]} {_versions(versions, newer=stable or name == 'py')}"
        for name, versions in found.items()
    ]
    return _some([*words, *odd], " and ") + _abi_words(pythons, abis)


def _versions(versions: list[tuple[int, ...]], *, newer: bool) -> str:
    # A tag of Python itself or of the stable ABI is also taken by all that are newer.
    if newer and all(len(version) > 1 for version in versions):
        return f"{_number(min(versions))} or newer"
    numbers = [_number(version) for version in sorted(versions)]
    if len(numbers) < 2:
        return numbers[0]
    return f"{_some(numbers[:-1], ', ')} and {numbers[-1]}"


def _number(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _abi_words(pythons: list[str], abis: list[str]) -> str:
    words = ["stable ABI"] if any(abi in _STABLE for abi in abis) else []
    said = [abi.removeprefix(python) for python in pythons for abi in abis if abi != "none"]
    if said and all(_FREE_THREADED.fullmatch(abi) for abi in said):
        words.append("free-threaded")
    # Python 2.7 came with narrow and wide Unicode.
    if abis == ["cp27mu"]:
        words.append("wide Unicode")
    return f" ({', '.join(words)})" if words else ""


def _some(words: Iterable[str], between: str = "; ") -> str:
    found = list(dict.fromkeys(words))
    if len(found) > MOST_NAMED:
        found[MOST_NAMED:] = [f"{len(found) - MOST_NAMED} more"]
    return between.join(found)
