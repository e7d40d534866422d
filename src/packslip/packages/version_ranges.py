"""Which releases are meant by a range of versions: PEP 440's specifiers, as text.

Pre-releases are within a range like all others: what is said of `>=2` is meant for 3.0rc1 too.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from packaging.specifiers import Specifier, SpecifierSet

from packslip.errors import InvalidError
from packslip.packages.versions import canonical, parse_version
from packslip.texts import brief

#: Characters that a range may have.
MAX_LENGTH = 500


class InvalidRangeError(InvalidError):
    """The text is no range of versions."""

    field = "version_range"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{brief(text)!r} is no range of versions. Write it like ==2.3 or >=1.1,<1.3."
        )


def parse_range(text: str | None) -> str | None:
    """The range in one form: `>=1.1, <1.3` gives `>=1.1,<1.3`, and the version `1.2` `==1.2`.

    None stands for all releases, which nothing and `*` mean too.

    Raises:
        InvalidRangeError: it is none.
    """
    text = (text or "").strip()
    if text in {"", "*"}:
        return None
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise InvalidRangeError(text)
    if parse_version(text) is not None:
        text = f"=={text}"
    try:
        # Not by the set, which has no order.
        parts = [str(Specifier(part)) for part in text.split(",") if part.strip()]
    except ValueError:
        # Not only InvalidSpecifier: numbers of thousands of digits are a plain ValueError.
        raise InvalidRangeError(text) from None
    if not parts:
        raise InvalidRangeError(text)
    return ",".join(dict.fromkeys(parts))


def covers(version_range: str | None, version: str) -> bool:
    """Whether the release of that version is within a range that `parse_range` gave.

    A version that does not follow PEP 440 is within `===` and the same text, and within all
    releases.
    """
    if version_range is None:
        return True
    if parse_version(version) is None:
        return version.casefold() in _literal(version_range)
    return _specifiers(version_range).contains(version, prereleases=True)


def is_exactly(version_range: str | None, version: str) -> bool:
    """Whether the range is written for the one version: `==1.0` and `===1.0`, but not `==1.*`."""
    if version_range is None or "," in version_range or version_range.endswith(".*"):
        return False
    operator = next((one for one in ("===", "==") if version_range.startswith(one)), None)
    if operator is None:
        return False
    return canonical(version_range.removeprefix(operator)) == canonical(version)


def exact_range(version: str, others: Iterable[str]) -> str:
    """The range that is written for the one version.

    `==1.0` would also take `1.0+local` (PEP 440), so among `others` of that kind it is `===1.0`.
    """
    parsed = parse_version(version)
    if parsed is None:
        return f"==={version}"
    plain = f"=={version}"
    caught = (other for other in others if canonical(other) != canonical(version))
    return f"={plain}" if any(covers(plain, other) for other in caught) else plain


@lru_cache(maxsize=1024)
def _specifiers(version_range: str) -> SpecifierSet:
    return SpecifierSet(version_range)


@lru_cache(maxsize=1024)
def _literal(version_range: str) -> frozenset[str]:
    """The one text that all parts of the range ask for literally; empty when there is none."""
    parts = version_range.split(",")
    texts = {part.removeprefix("===").casefold() for part in parts}
    if len(texts) > 1 or not all(part.startswith("===") for part in parts):
        return frozenset()
    return frozenset(texts)
