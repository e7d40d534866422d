"""Requirements and version specifiers as people wrote them before they were checked.

Old releases carry some that no specification allows, and that installers nevertheless read. They
are put right where their meaning is plain; what cannot be understood stays a fault.
"""

from __future__ import annotations

import re

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

_MENDS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Stray quotes, as in >='2.7'.
    (re.compile(r"[\"']"), ""),
    # A comma left out, as in >=1.0<2.0.
    (re.compile(r"([<>=]\s*[\w.*]+)\s*(?=(?:[<>]=?|[=!~]=)\s*\d)"), r"\1,"),
    # What should exclude a series, as in !=~5.0.
    (re.compile(r"!=\s*~\s*(\d+(?:\.\d+)*)"), r"!=\1.*"),
    # A star that an order has no use for, as in >=3.6.*.
    (re.compile(r"([<>]=?\s*\d+(?:\.\d+)*)\.\*"), r"\1"),
    # A star without its dot, as in !=3.0*.
    (re.compile(r"(\d\.\d+)\*"), r"\1.*"),
    # Zeros after a pre-release, as in >=9.0a1.0.
    (re.compile(r"(\d(?:a|b|rc|\.?post|\.?dev)\d+)(?:\.0)+\b"), r"\1"),
    # "Newer than any development version".
    (re.compile(r">\s*dev\b"), ">0.dev0"),
    # A comma too many at the end.
    (re.compile(r",\s*(?=\)|$)"), ""),
)


def readable_requirement(text: str) -> str:
    """Return a requirement that follows PEP 508: the text itself, or what it was meant to be.

    Raises:
        ValueError: It cannot be understood.

    """
    try:
        _check_requirement(text)
    except ValueError:
        # Quotes belong into a marker.
        required, semicolon, marker = text.partition(";")
        mended = _mended(required) + semicolon + marker
        _check_requirement(mended)
        return mended
    return text


def readable_specifiers(text: str) -> str:
    """Return version specifiers after PEP 440: the text itself, or what it was meant to be.

    Raises:
        ValueError: They cannot be understood.

    """
    try:
        SpecifierSet(text)
    except ValueError:
        mended = _mended(text)
        SpecifierSet(mended)
        return mended
    return text


def _mended(text: str) -> str:
    for pattern, replacement in _MENDS:
        text = pattern.sub(replacement, text)
    return text.strip()


def _check_requirement(text: str) -> None:
    try:
        Requirement(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
