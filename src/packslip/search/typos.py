"""Names that are like what somebody typed."""

from __future__ import annotations

from difflib import SequenceMatcher

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from packslip.packages.models import SearchEntry
from packslip.packages.search_index import TRIGRAMS
from packslip.packages.search_texts import trigrams
from packslip.search.candidates import candidates, entry_columns
from packslip.search.matching import Conditions
from packslip.search.results import Candidate

#: Shorter names are like too many others.
SHORTEST = 3
LONGEST = 64

#: So many names are compared letter by letter.
COMPARED = 50

#: How much alike two names must be, from 0 to 1.
ALIKE = 0.75

#: How many of the groups of three letters they must have in common. A slip in the middle of a
#: word changes three of them.
COMMON = 0.3


def similar_names(
    session: Session, compact: str, conditions: Conditions, limit: int
) -> list[Candidate]:
    """Packages with names like the compact one, the most similar first."""
    if not SHORTEST <= len(compact) <= LONGEST:
        return []
    sought = trigrams(compact)
    common = func.count().label("common")
    pieces = (
        select(TRIGRAMS.c.entry_id, common)
        .where(TRIGRAMS.c.trigram.in_(sorted(sought)))
        .group_by(TRIGRAMS.c.entry_id)
        .having(func.count() >= max(1, int(COMMON * len(sought))))
        .subquery()
    )
    most_in_common = (
        select(*entry_columns(), literal(0), literal(0))
        .join(pieces, pieces.c.entry_id == SearchEntry.id)
        .where(*conditions)
        .order_by(
            (2.0 * pieces.c.common / (func.length(SearchEntry.compact) + len(compact))).desc(),
            SearchEntry.package_id,
        )
        .limit(COMPARED)
    )
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(compact)
    found: list[tuple[float, str, Candidate]] = []
    for one in candidates(session, most_in_common):
        matcher.set_seq1(one.compact)
        if one.compact != compact and (ratio := matcher.ratio()) >= ALIKE:
            found.append((-ratio, one.package_id, one))
    return [one for _, _, one in sorted(found)[:limit]]
