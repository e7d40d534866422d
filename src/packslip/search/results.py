"""What the search answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from packslip.search.request import SearchQuery


class Candidate(NamedTuple):
    """A package that was found, as far as the index knows it."""

    package_id: str
    compact: str
    license_id: str | None
    origin: str
    yanked: bool
    pythons: int
    #: What the hits are worth, in a measure of the database's own.
    weight: float
    #: Downloads in the last 30 days.
    recent: int


@dataclass(frozen=True)
class FoundPackage:
    """One line of the results, by the package's latest release."""

    package: str
    #: The name as its owner spells it.
    name: str
    #: None while there is no release.
    version: str | None
    latest_at: datetime | None
    requires_python: str | None
    summary: str
    license: str | None
    origin: str
    #: PEP 792: active, archived, deprecated or quarantined.
    status: str
    yanked: bool
    #: Downloads in the last 30 days.
    downloads: int
    #: The same day by day, today the last.
    downloads_by_day: list[int]


@dataclass(frozen=True)
class FacetValue:
    """A value that some of the results have; `packages` says how many, None that it is unknown."""

    value: str
    packages: int | None


@dataclass(frozen=True)
class Facets:
    """By what the results could be narrowed down. What most of them have comes first."""

    licenses: list[FacetValue]
    languages: list[FacetValue]
    #: Versions of Python, the newest first.
    pythons: list[FacetValue]
    origins: list[FacetValue]
    #: The values are `yes` and `no`.
    yanked: list[FacetValue]


@dataclass(frozen=True)
class SearchResults:
    """A page of results."""

    query: SearchQuery
    packages: list[FoundPackage]
    #: How many packages there are to be read on all pages.
    total: int
    #: False when there are more than `total`, which nobody can page to.
    is_exact: bool
    #: The normalised name of a package that may be meant, when none is called what was typed.
    did_you_mean: str | None
    facets: Facets
    #: The days of `downloads_by_day`.
    days: list[date]

    @property
    def pages(self) -> int:
        """The number of pages; 1 when nothing was found."""
        return max(1, -(-self.total // self.query.per_page))
