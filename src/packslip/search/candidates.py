"""The packages that a search finds, in their order, of which a page shows some."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Select, Subquery, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from packslip.downloads.models import DownloadTotal
from packslip.packages.models import SearchEntry
from packslip.packages.search_words import SearchWords
from packslip.search.matching import (
    Conditions,
    has_none,
    matching,
    weighed_texts,
    weighed_titles,
)
from packslip.search.request import Sort
from packslip.search.results import Candidate

#: So many packages can be paged through.
MOST_RESULTS = 300

#: Of names that begin with what was typed so many come first, the most downloaded ones.
MOST_NAMES = 200

#: Up to so many packages are collected and sorted. Of more, all packages are gone through in
#: the order that is asked for, until enough are found; either way is slow where the other is not.
MANY = 5000

_RECENT = func.coalesce(DownloadTotal.recent, 0)
_NOTHING = literal(0)


@dataclass(frozen=True)
class Found:
    """The packages that were found, in their order."""

    #: The first ones: as many as were needed, or all.
    first: list[Candidate]
    #: How many there are, at most `MOST_RESULTS`.
    total: int
    #: False when there are more.
    is_exact: bool


#: What is found by signs without a letter.
NOTHING = Found([], 0, is_exact=True)


def find(
    session: Session, words: SearchWords, conditions: Conditions, sort: Sort, needed: int
) -> Found:
    """Find packages, and give at least the `needed` first ones in the order `sort`.

    The conditions are on `SearchEntry`.
    """
    if sort is Sort.RELEVANCE and words:
        found = _by_relevance(session, words, conditions)
        return Found(
            found[:MOST_RESULTS], min(len(found), MOST_RESULTS), len(found) <= MOST_RESULTS
        )
    collected = _collected(session, words, conditions)
    number = _count(session, collected)
    if number > MANY:
        limit = min(needed, MOST_RESULTS)
        first = in_order(session, _those_of(session, words, conditions), sort, limit)
        return Found(first, MOST_RESULTS, is_exact=False)
    total = min(number, MOST_RESULTS)
    return Found(_by_sorting(session, collected, sort), total, number <= MOST_RESULTS)


def in_order(session: Session, conditions: Conditions, sort: Sort, limit: int) -> list[Candidate]:
    """The first packages of which the conditions hold, in an order other than by relevance."""
    query = select(*entry_columns(), _NOTHING, _NOTHING).where(*conditions)
    by_name = query.order_by(SearchEntry.package_id).limit(limit)
    if sort is Sort.NAME:
        return candidates(session, by_name)
    total = DownloadTotal.package_id == SearchEntry.package_id
    if sort is Sort.DATE:
        by_date = query.order_by(SearchEntry.latest_at.desc(), SearchEntry.package_id)
        return candidates(session, by_date.limit(limit))
    downloaded = query.join(DownloadTotal, total).where(DownloadTotal.recent > 0)
    by_downloads = downloaded.order_by(DownloadTotal.recent.desc(), SearchEntry.package_id)
    found = candidates(session, by_downloads.limit(limit))
    missing = limit - len(found)
    if missing:
        is_unused = or_(DownloadTotal.recent.is_(None), DownloadTotal.recent == 0)
        rest = by_name.outerjoin(DownloadTotal, total).where(is_unused).limit(missing)
        found += candidates(session, rest)
    return found


def entry_columns(entry: type[SearchEntry] = SearchEntry) -> tuple[Any, ...]:
    """What a candidate is made of, but for its weight and its downloads."""
    return (
        entry.package_id,
        entry.compact,
        entry.license_id,
        entry.origin,
        entry.yanked,
        entry.pythons,
    )


def candidates(session: Session, query: Select[Any]) -> list[Candidate]:
    """Read rows of `entry_columns`, a weight and a number of recent downloads."""
    return [Candidate(*row) for row in session.execute(query)]


def _by_relevance(session: Session, words: SearchWords, conditions: Conditions) -> list[Candidate]:
    titles = _weighed(session, weighed_titles(session, words, conditions))
    texts: list[Candidate] = []
    if len(titles) <= MOST_RESULTS:
        # The words of a description are worth little beside others, but may be all there is.
        texts = _weighed(session, weighed_texts(session, words, conditions))
    named = _named(session, words, conditions)
    found = {one.package_id: one for one in (*named, *texts, *titles)}
    name, compact = words.name, words.compact
    ranked = sorted(found.values(), key=lambda one: _rank(one, name, compact))
    return ranked[: MOST_RESULTS + 1]


def _rank(one: Candidate, name: str, compact: str) -> tuple[int, float, int, str]:
    # A thousand downloads are worth three tenths of what the words are.
    weight = one.weight * (1 + math.log10(1 + one.recent) / 10)
    if one.package_id == name:
        place = 0
    elif one.compact == compact:
        place = 1
    elif one.compact.startswith(compact):
        # The fewer letters are missing, the more likely it is meant.
        place, weight = 2, weight * (len(compact) / len(one.compact)) ** 2
    else:
        place = 3
    return place, -weight, -one.recent, one.package_id


def _named(session: Session, words: SearchWords, conditions: Conditions) -> list[Candidate]:
    """Packages whose names begin with what was typed."""
    conditions = [*conditions, *_without(session, words)]
    compact = SearchEntry.compact
    last = words.compact[:-1] + chr(ord(words.compact[-1]) + 1)
    query = (
        select(*entry_columns(), literal(0.0, Float), _RECENT)
        .outerjoin(DownloadTotal, DownloadTotal.package_id == SearchEntry.package_id)
        .where(compact >= words.compact, compact < last, *conditions)
        .order_by((compact == words.compact).desc(), _RECENT.desc(), SearchEntry.package_id)
        .limit(MOST_NAMES)
    )
    return candidates(session, query)


def _weighed(session: Session, matched: Subquery) -> list[Candidate]:
    best = select(matched).order_by(matched.c.weight.desc()).limit(MOST_RESULTS + 1).subquery()
    query = (
        select(*entry_columns(), best.c.weight, _RECENT)
        .join(best, best.c.id == SearchEntry.id)
        .outerjoin(DownloadTotal, DownloadTotal.package_id == SearchEntry.package_id)
    )
    return candidates(session, query)


def _collected(session: Session, words: SearchWords, conditions: Conditions) -> Select[Any]:
    query = select(SearchEntry).where(*conditions).limit(MANY + 1)
    if words:
        matched = matching(session, words)
        return query.join(matched, matched.c.id == SearchEntry.id)
    return query.where(*_without(session, words))


def _without(session: Session, words: SearchWords) -> Conditions:
    return [has_none(session, words.without)] if words.without else []


def _count(session: Session, collected: Select[Any]) -> int:
    # Of the numbers alone the database has a short list.
    numbers = collected.with_only_columns(SearchEntry.id, maintain_column_froms=True)
    return session.scalar(select(func.count()).select_from(numbers.subquery())) or 0


def _by_sorting(session: Session, collected: Select[Any], sort: Sort) -> list[Candidate]:
    entry = aliased(SearchEntry, collected.subquery())
    query = select(*entry_columns(entry), _NOTHING, _NOTHING)
    if sort is Sort.DATE:
        query = query.order_by(entry.latest_at.desc())
    elif sort is not Sort.NAME:
        total = DownloadTotal.package_id == entry.package_id
        query = query.outerjoin(DownloadTotal, total).order_by(_RECENT.desc())
    return candidates(session, query.order_by(entry.package_id).limit(MOST_RESULTS))


def _those_of(session: Session, words: SearchWords, conditions: Conditions) -> Conditions:
    if not words:
        return [*conditions, *_without(session, words)]
    # Added to, the number cannot be used to take the packages in another order.
    return [*conditions, (SearchEntry.id + 0).in_(select(matching(session, words).c.id))]
