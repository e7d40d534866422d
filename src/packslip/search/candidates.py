"""The packages that a search finds, in their order, of which a page shows some."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, Subquery, func, literal, select
from sqlalchemy.orm import Session

from packslip.downloads.models import DownloadTotal
from packslip.packages.models import SearchEntry
from packslip.search.matching import matching, weighed_texts, weighed_titles
from packslip.search.request import Sort
from packslip.search.results import Candidate
from packslip.search.words import SearchWords

#: So many packages can be paged through.
MOST_RESULTS = 1000

#: Of names that begin with what was typed so many come first, the most downloaded ones.
MOST_NAMES = 200

Conditions = Sequence[ColumnElement[bool]]

ENTRY_COLUMNS = (
    SearchEntry.package_id,
    SearchEntry.compact,
    SearchEntry.license_id,
    SearchEntry.origin,
    SearchEntry.yanked,
    SearchEntry.pythons,
)
_RECENT = func.coalesce(DownloadTotal.recent, 0)
NO_WEIGHT = literal(0.0, Float)


def find(
    session: Session, words: SearchWords, conditions: Conditions, sort: Sort
) -> list[Candidate]:
    """At most `MOST_RESULTS` and one more, which says that there are more, in the order `sort`."""
    if sort is Sort.RELEVANCE and words:
        return _by_relevance(session, words, conditions)
    if sort in {Sort.RELEVANCE, Sort.DOWNLOADS}:
        return _by_downloads(session, words, conditions)
    return _sorted(session, words, conditions, sort)


def _by_relevance(session: Session, words: SearchWords, conditions: Conditions) -> list[Candidate]:
    found = {one.package_id: one for one in _named(session, words, conditions)}
    titles = _weighed(session, weighed_titles(session, words), conditions)
    found |= {one.package_id: one for one in titles}
    if len(titles) <= MOST_RESULTS:
        # The words of a description are worth little beside others, but may be all there is.
        texts = _weighed(session, weighed_texts(session, words), conditions)
        found |= {one.package_id: one for one in texts}
    return sorted(found.values(), key=lambda one: _rank(one, words))[: MOST_RESULTS + 1]


def _rank(one: Candidate, words: SearchWords) -> tuple[int, float, int, str]:
    if one.package_id == words.name:
        place = 0
    elif one.compact == words.compact:
        place = 1
    elif one.compact.startswith(words.compact):
        place = 2
    else:
        place = 3
    # A thousand downloads are worth three tenths of what the words are.
    boost = 1 + math.log10(1 + one.recent) / 10
    return place, -one.weight * boost, -one.recent, one.package_id


def _named(session: Session, words: SearchWords, conditions: Conditions) -> list[Candidate]:
    """Packages whose names begin with what was typed."""
    compact = SearchEntry.compact
    last = words.compact[:-1] + chr(ord(words.compact[-1]) + 1)
    query = (
        select(*ENTRY_COLUMNS, NO_WEIGHT, _RECENT)
        .outerjoin(DownloadTotal, DownloadTotal.package_id == SearchEntry.package_id)
        .where(compact >= words.compact, compact < last, *conditions)
        .order_by((compact == words.compact).desc(), _RECENT.desc(), SearchEntry.package_id)
        .limit(MOST_NAMES)
    )
    return candidates(session, query)


def _weighed(session: Session, matched: Subquery, conditions: Conditions) -> list[Candidate]:
    best = (
        select(*ENTRY_COLUMNS, matched.c.weight)
        .join(matched, matched.c.id == SearchEntry.id)
        .where(*conditions)
        .order_by(matched.c.weight.desc())
        .limit(MOST_RESULTS + 1)
        .subquery()
    )
    query = select(best, _RECENT).outerjoin(
        DownloadTotal, DownloadTotal.package_id == best.c.package_id
    )
    return candidates(session, query)


def _sorted(
    session: Session, words: SearchWords, conditions: Conditions, sort: Sort
) -> list[Candidate]:
    date, name = SearchEntry.latest_at.desc().nulls_last(), SearchEntry.package_id
    first = (
        _entries(session, words)
        .where(*conditions)
        .order_by(*((date, name) if sort is Sort.DATE else (name,)))
        .limit(MOST_RESULTS + 1)
        .subquery()
    )
    return candidates(session, select(first, literal(0)))


def _by_downloads(session: Session, words: SearchWords, conditions: Conditions) -> list[Candidate]:
    query = (
        _entries(session, words)
        .add_columns(_RECENT)
        .outerjoin(DownloadTotal, DownloadTotal.package_id == SearchEntry.package_id)
        .where(*conditions)
        .order_by(_RECENT.desc(), SearchEntry.package_id)
        .limit(MOST_RESULTS + 1)
    )
    return candidates(session, query)


def _entries(session: Session, words: SearchWords) -> Select[Any]:
    query = select(*ENTRY_COLUMNS, NO_WEIGHT)
    if not words:
        return query
    matched = matching(session, words)
    return query.join(matched, matched.c.id == SearchEntry.id)


def candidates(session: Session, query: Select[Any]) -> list[Candidate]:
    """Read rows of `ENTRY_COLUMNS`, a weight and a number of recent downloads."""
    rows: Iterable[Any] = session.execute(query)
    return [Candidate(*row) for row in rows]
