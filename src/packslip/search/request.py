"""What is asked of the search, and how it stands in an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from packslip.errors import InvalidError
from packslip.packages.models import Origin
from packslip.packages.search_texts import LAST_MINOR
from packslip.texts import brief

PER_PAGE = 20
MOST_PER_PAGE = 100

_PYTHON = re.compile(r"3\.(\d{1,2})", re.ASCII)


class InvalidSearchError(InvalidError):
    """What was asked has a part that cannot be understood; `field` says which."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.field = name


class Sort(StrEnum):
    """What results are ordered by."""

    #: The package of that very name first, then names that begin so, then the weight of the words.
    #: Without words it is the number of recent downloads.
    RELEVANCE = "relevance"
    #: When the latest release came, the newest first.
    DATE = "date"
    #: Downloads in the last 30 days, the most first.
    DOWNLOADS = "downloads"
    NAME = "name"


@dataclass(frozen=True)
class Filters:
    """What packages must be; None leaves it open."""

    #: The key of a licence, which is its SPDX identifier where it has one.
    license: str | None = None
    #: The name of a programming language.
    language: str | None = None
    #: A version of Python, such as `3.12`, that the latest release allows.
    python: str | None = None
    #: `hosted` or `mirrored`.
    origin: str | None = None
    #: Whether the latest release is yanked.
    yanked: bool | None = None
    #: The username of an owner.
    owner: str | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


@dataclass(frozen=True)
class SearchQuery:
    """A search: what somebody typed, what they chose, and the page of results that they read."""

    text: str = ""
    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.RELEVANCE
    #: Counted from 1.
    page: int = 1
    per_page: int = PER_PAGE


def minor_of(python: str) -> int | None:
    """The n of a Python version 3.n; None for what is no such version."""
    found = _PYTHON.fullmatch(python)
    return int(found[1]) if found and int(found[1]) <= LAST_MINOR else None


def query_from(arguments: Mapping[str, str]) -> SearchQuery:
    """Read a search from the arguments of an address; empty ones are as good as none.

    Raises:
        InvalidSearchError: an argument has a value that it cannot have.
    """
    given = {name: value.strip() for name, value in arguments.items() if value.strip()}
    python = given.get("python")
    if python is not None and minor_of(python) is None:
        raise InvalidSearchError("python", f"{brief(python)!r} is no Python version such as 3.12.")
    return SearchQuery(
        text=given.get("q", ""),
        filters=Filters(
            license=_storable(given.get("license")),
            language=_storable(given.get("language")),
            python=python,
            origin=_choice("origin", given, Origin),
            yanked=_yes_or_no(given),
            owner=_storable(given.get("owner")),
        ),
        sort=Sort(_choice("sort", given, Sort) or Sort.RELEVANCE),
        page=_number("page", given, 1, 1_000_000),
        per_page=_number("per_page", given, PER_PAGE, MOST_PER_PAGE),
    )


def arguments_of(query: SearchQuery) -> dict[str, str]:
    """The arguments of an address that asks for this; `query_from` reads them back."""
    filters = query.filters
    told = {
        "q": query.text,
        "license": filters.license,
        "language": filters.language,
        "python": filters.python,
        "origin": filters.origin,
        "yanked": None if filters.yanked is None else "yes" if filters.yanked else "no",
        "owner": filters.owner,
        "sort": query.sort.value if query.sort is not Sort.RELEVANCE else None,
        "page": str(query.page) if query.page != 1 else None,
        "per_page": str(query.per_page) if query.per_page != PER_PAGE else None,
    }
    return {name: value for name, value in told.items() if value}


def _choice(name: str, given: Mapping[str, str], choices: type[StrEnum]) -> str | None:
    value = given.get(name)
    names = [choice.value for choice in choices]
    if value is not None and value not in names:
        raise InvalidSearchError(
            name, f"{name} must be {' or '.join(names)}, not {brief(value)!r}."
        )
    return value


def _yes_or_no(given: Mapping[str, str]) -> bool | None:
    value = given.get("yanked")
    if value not in (None, "yes", "no"):
        raise InvalidSearchError("yanked", f"yanked must be yes or no, not {brief(value)!r}.")
    return None if value is None else value == "yes"


def _number(name: str, given: Mapping[str, str], default: int, most: int) -> int:
    value = given.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and 1 <= int(value) <= most):
        raise InvalidSearchError(name, f"{name} must be a number from 1 to {most}.")
    return int(value)


def _storable(value: str | None) -> str | None:
    """The value with a mark in place of what no database holds, so that it simply is not found."""
    if value is None:
        return None
    return value.encode("utf-8", "replace").decode().replace("\0", "?")
