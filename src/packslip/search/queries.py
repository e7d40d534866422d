"""Searching packages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from packslip.accounts.access import readable_packages
from packslip.accounts.identity import Identity
from packslip.downloads.models import Dimension, DownloadSum, DownloadTotal
from packslip.downloads.rollups import RECENT_DAYS
from packslip.downloads.statistics import Period
from packslip.packages.models import Package
from packslip.packages.search_words import SearchWords, read_words
from packslip.search.candidates import NOTHING, Found, find
from packslip.search.facets import SAMPLE, facets_of
from packslip.search.filters import conditions
from packslip.search.matching import Conditions
from packslip.search.request import SearchQuery
from packslip.search.results import Candidate, FoundPackage, SearchResults
from packslip.search.typos import similar_names
from packslip.setting_choices import Read

#: With fewer results than this, names that are like what was typed are looked for.
FEW = 3

#: So many of them are shown.
MOST_SIMILAR = 10


def search(
    session: Session, query: SearchQuery, viewer: Identity | None, read: Read
) -> SearchResults:
    """Find packages by words and filters.

    The package that is called what was typed comes first, then packages whose names begin so, then
    the others, by the weight of the words and, mildly, by recent downloads; unless another order
    is asked for. When little is found, packages with similar names come at the end.

    `viewer` is who asks, and `read` the index's setting: a token that is limited to packages finds
    only those in an index for members. The number of statements is the same however much is found.
    """
    words = read_words(query.text)
    where = conditions(query.filters, readable_packages(viewer, read))
    first = (query.page - 1) * query.per_page
    last = first + query.per_page
    # Signs alone are nobody's words; nothing at all stands for everything.
    if words or words.without or not query.text.strip():
        found = find(session, words, where, query.sort, max(last, SAMPLE))
    else:
        found = NOTHING
    similar = _similar(session, words, where, found)
    candidates = found.first + similar
    days = Period(RECENT_DAYS).each_day()
    return SearchResults(
        query=query,
        packages=found_packages(session, [one.package_id for one in candidates[first:last]], days),
        total=found.total + len(similar),
        is_exact=found.is_exact,
        did_you_mean=similar[0].package_id if similar else None,
        facets=facets_of(session, candidates, counted=found.is_exact),
        days=days,
    )


def found_packages(
    session: Session, package_ids: Sequence[str], days: Sequence[date]
) -> list[FoundPackage]:
    """What a list says about the packages, in the order in which they are named.

    `days`, which follow one another, are those of their `downloads_by_day`.
    """
    query = (
        select(
            Package.id,
            Package.name,
            Package.latest_version,
            Package.latest_at,
            Package.requires_python,
            Package.summary,
            Package.license_id,
            Package.origin,
            Package.status,
            Package.latest_yanked,
            func.coalesce(DownloadTotal.recent, 0),
        )
        .outerjoin(DownloadTotal, DownloadTotal.package_id == Package.id)
        .where(Package.id.in_(package_ids))
    )
    by_day = _by_day(session, package_ids, days)
    rows = {row[0]: row for row in session.execute(query)}
    return [
        FoundPackage(*rows[package_id], by_day.get(package_id) or [0] * len(days))
        for package_id in package_ids
        if package_id in rows
    ]


def _similar(
    session: Session, words: SearchWords, where: Conditions, found: Found
) -> list[Candidate]:
    """Packages with names like what was typed, if little else was found."""
    is_named = any(one.compact == words.compact for one in found.first)
    if not words or found.total >= FEW or is_named:
        return []
    known = {one.package_id for one in found.first}
    alike = similar_names(session, words.compact, where, MOST_SIMILAR)
    return [one for one in alike if one.package_id not in known]


def _by_day(
    session: Session, package_ids: Sequence[str], days: Sequence[date]
) -> dict[str, list[int]]:
    # One row a package: hundreds of small ones take longer than all else on the page.
    number = cast(DownloadSum.day, String) + "=" + cast(DownloadSum.downloads, String)
    query = (
        select(DownloadSum.package_id, func.aggregate_strings(number, " "))
        .where(
            DownloadSum.package_id.in_(package_ids),
            DownloadSum.dimension == Dimension.TOTAL,
            DownloadSum.day.between(days[0], days[-1]),
        )
        .group_by(DownloadSum.package_id)
    )
    places = {day.isoformat(): at for at, day in enumerate(days)}
    found = {}
    for package_id, told in session.execute(query):
        numbers = found[package_id] = [0] * len(days)
        for one in told.split():
            day, _, downloads = one.partition("=")
            numbers[places[day]] = int(downloads)
    return found
