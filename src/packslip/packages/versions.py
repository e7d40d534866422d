"""Versions as text that a database can sort, after PEP 440.

Versions that do not follow PEP 440 exist in old indexes. They are kept as they are, and sort
before all others.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.utils import canonicalize_version
from packaging.version import Version

_BIGGEST = 2**63 - 1

# In the sort key a number begins with one of the letters a to z, so every mark that stands where
# a number or a mark may follow is smaller than "a", and the marks of one place sort as needed.
_ODD = "0"
_LOWEST = "!"
_HIGHEST = "Z"
_PRE = {"a": "A", "b": "B", "rc": "C"}
_POST = "P"
_DEV = "D"
_LOCAL_TEXT = "T"

_LEADING_NUMBERS = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", re.ASCII)
_DIGITS = re.compile(r"[0-9]+")


def parse_version(text: str) -> Version | None:
    """Return the version, or None when it does not follow PEP 440."""
    try:
        return Version(text)
    except ValueError:
        # Not only InvalidVersion: numbers of thousands of digits are a plain ValueError.
        return None


def normal_form(text: str) -> str:
    """Return the version in PEP 440's normal form; an odd one without surrounding spaces."""
    version = parse_version(text)
    return text.strip() if version is None else str(version)


# A package's page names each of its versions many times.
@lru_cache(maxsize=10_000)
def canonical(text: str) -> str:
    """Return the text that is the same for equal versions: `1.0` and `1.0.0` give `1`."""
    version = parse_version(text)
    return text.strip() if version is None else canonicalize_version(version)


def is_prerelease(text: str) -> bool:
    """Tell whether installers pass over the version unless asked: alpha, beta, rc and dev."""
    version = parse_version(text)
    return version is not None and version.is_prerelease


def numbers(text: str) -> tuple[int, int, int]:
    """Return the major, minor and build number, each at most what 64 signed bits hold."""
    version = parse_version(text)
    if version is not None:
        parts = [version.major, version.minor, version.micro]
    else:
        match = _LEADING_NUMBERS.match(text.strip())
        groups = match.groups(default="0") if match else ("0", "0", "0")
        # A number longer than this is over the limit whatever its digits.
        parts = [int(group.lstrip("0")[:20] or "0") for group in groups]
    major, minor, build = (min(part, _BIGGEST) for part in parts)
    return major, minor, build


def sort_key(text: str) -> str:
    """Return printable ASCII text whose bytewise order is PEP 440's order of versions.

    Equal versions give equal keys. Versions that do not follow PEP 440 sort before all others, in
    an order that takes numbers as numbers.
    """
    version = parse_version(text)
    if version is None:
        return _odd_key(text.strip())
    release = list(version.release)
    while release and release[-1] == 0:
        release.pop()
    return "".join(
        [
            _number(version.epoch),
            *map(_number, release),
            _pre_key(version),
            _LOWEST if version.post is None else _POST + _number(version.post),
            _HIGHEST if version.dev is None else _DEV + _number(version.dev),
            _local_key(version.local),
        ]
    )


def _pre_key(version: Version) -> str:
    if version.pre is not None:
        letter, number = version.pre
        return _PRE[letter] + _number(number)
    # 1.0.dev1 comes before 1.0a1, but 1.0.post1.dev1 after 1.0.
    return _LOWEST if version.post is None and version.dev is not None else _HIGHEST


def _local_key(local: str | None) -> str:
    if local is None:
        return ""
    # Texts sort before numbers, and a text ends with what is smaller than each of its letters.
    return "".join(
        _digits(part) if part.isdigit() else _LOCAL_TEXT + part + _LOWEST
        for part in local.split(".")
    )


def _odd_key(text: str) -> str:
    # Escaped, as databases take neither NUL nor lone surrogates, and the order is one of bytes.
    escaped = text.encode("unicode_escape").decode("ascii")
    return _ODD + _DIGITS.sub(lambda match: _digits(match[0]), escaped)


def _number(value: int) -> str:
    return _digits(str(value))


def _digits(digits: str) -> str:
    """Write the count of digits first, so that a longer number is the greater text."""
    digits = digits.lstrip("0") or "0"
    length = len(digits)
    if length < 26:
        return chr(ord("a") + length - 1) + digits
    return f"z{_digits(str(length))}{digits}"
