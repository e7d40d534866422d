"""By what results could be narrowed down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.packages.models import package_languages
from packslip.search.results import Candidate, Facets, FacetValue

#: So many values of each kind are given, those that most packages have.
MOST_VALUES = 20

#: Versions 3.n of Python that are told.
TOLD_MINORS = range(15, 5, -1)

#: So many packages are looked at when not all can be counted.
SAMPLE = 100


def facets_of(session: Session, found: Sequence[Candidate], *, counted: bool) -> Facets:
    """What the packages found have in common, with numbers if `counted`, else of the first ones."""
    found = found if counted else found[:SAMPLE]
    licenses = Counter(one.license_id for one in found if one.license_id is not None)
    pythons = Counter(
        {f"3.{n}": sum(1 for one in found if one.pythons >> n & 1) for n in TOLD_MINORS}
    )
    yanked = Counter("yes" if one.yanked else "no" for one in found)
    return Facets(
        licenses=_most(licenses, counted),
        languages=_most(_languages(session, found), counted),
        pythons=[_value(name, number, counted) for name, number in pythons.items() if number],
        origins=_most(Counter(one.origin for one in found), counted),
        yanked=_most(yanked, counted),
    )


def _languages(session: Session, found: Sequence[Candidate]) -> Counter[str]:
    if not found:
        return Counter()
    links = package_languages.c
    query = (
        select(links.language_id, func.count())
        .where(links.package_id.in_([one.package_id for one in found]))
        .group_by(links.language_id)
    )
    return Counter({name: number for name, number in session.execute(query)})  # noqa: C416 - typed


def _most(numbers: Mapping[str, int], counted: bool) -> list[FacetValue]:
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
    return [_value(name, number, counted) for name, number in ordered]


def _value(name: str, number: int, counted: bool) -> FacetValue:
    return FacetValue(name, number if counted else None)
