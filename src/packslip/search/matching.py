"""Which entries of the index have some words, in the language of each database.

There are two questions. Whether the *title* has them, which is the name, the keywords, the summary
and the people: there a word also stands for longer ones that begin with it. And whether title and
description have them together. The first is answered faster, and its answers are better.

Both databases stem words as English ones. Words are letters and digits alone, so nothing that
somebody types is read as an operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    ColumnClause,
    ColumnElement,
    Float,
    Select,
    Subquery,
    and_,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from packslip.db import is_postgresql
from packslip.search.words import SHORTEST_PREFIX, SearchWords

#: So many entries are weighed. When there are more, those that came here first are.
MOST_WEIGHED = 20_000

#: PostgreSQL takes much longer to weigh a description than to find it.
MOST_DESCRIPTIONS = 1_000

#: What a hit is worth in the name, the keywords, the summary, the people and the description.
_FTS5_WEIGHTS = (10, 5, 3, 2, 1)
#: The same, as PostgreSQL wants it: people, summary, keywords, name; and the description.
_TSVECTOR_WEIGHTS = (0.2, 0.3, 0.5, 1.0)
_DESCRIPTION_WEIGHT = 0.1

#: The columns of an FTS5 table that are the title.
_TITLE = "{name keywords summary people} : "

_ROW = literal_column("rowid", BigInteger)
_FTS5: ColumnElement[Any] = literal_column("search_words")
_ID = column("id", BigInteger)
_TITLES: ColumnClause[Any] = column("title")
_DESCRIPTIONS: ColumnClause[Any] = column("description")
_WORDS = table("search_words", _ID, _TITLES, _DESCRIPTIONS)


def weighed_titles(session: Session, words: SearchWords) -> Subquery:
    """The `id` and `weight` of entries with all words in their title; a greater one is better."""
    if not is_postgresql(session):
        return _weighed_fts5(f"{_TITLE} ({' AND '.join(_fts5_terms(words, ''))})")
    query = _tsquery(" & ".join(_tsquery_terms(words, prefixes=True)))
    matched = select(_ID, _rank(_TITLES, query).label("weight")).where(_has(_TITLES, query))
    return matched.limit(MOST_WEIGHED).subquery()


def weighed_texts(session: Session, words: SearchWords) -> Subquery:
    """The same for title and description together."""
    if not is_postgresql(session):
        return _weighed_fts5(" AND ".join(_fts5_terms(words, _TITLE)))
    any_word = _tsquery(" | ".join(_tsquery_terms(words, prefixes=True)))
    matched = _matching_tsvector(words, _ID, _TITLES, _DESCRIPTIONS).limit(MOST_DESCRIPTIONS)
    found = matched.subquery()
    weight = _rank(found.c.title, any_word) + _DESCRIPTION_WEIGHT * _rank(
        found.c.description, any_word
    )
    return select(found.c.id, weight.label("weight")).subquery()


def matching(session: Session, words: SearchWords) -> Subquery:
    """The `id` of every entry with all words in title and description together."""
    if is_postgresql(session):
        return _matching_tsvector(words, _ID).subquery()
    return _matching_fts5(" AND ".join(_fts5_terms(words, _TITLE))).subquery()


def having_any(session: Session, runs: Sequence[Sequence[str]]) -> Subquery:
    """The `id` of every entry in which one of the runs of words stands."""
    if not is_postgresql(session):
        return _matching_fts5(" OR ".join(map(_fts5_run, runs))).subquery()
    query = _tsquery(" | ".join(map(_tsquery_run, runs)))
    return select(_ID).where(or_(_has(_TITLES, query), _has(_DESCRIPTIONS, query))).subquery()


def _weighed_fts5(query: str) -> Subquery:
    weight = -func.bm25(_FTS5, *_FTS5_WEIGHTS, type_=Float)
    return _matching_fts5(query).add_columns(weight.label("weight")).limit(MOST_WEIGHED).subquery()


def _matching_fts5(query: str) -> Select[Any]:
    return select(_ROW.label("id")).select_from(_WORDS).where(_FTS5.op("MATCH")(query))


def _fts5_terms(words: SearchWords, where: str) -> list[str]:
    """A term for each word; `where` says in which columns also longer words count."""
    terms = [
        f'("{word}" OR {where}"{word}" *)' if len(word) >= SHORTEST_PREFIX else f'"{word}"'
        for word in words.words
    ]
    return [*terms, *map(_fts5_run, words.phrases)]


def _fts5_run(run: Sequence[str]) -> str:
    return f'"{" ".join(run)}"'


def _matching_tsvector(words: SearchWords, *columns: ColumnElement[Any]) -> Select[Any]:
    terms = zip(
        _tsquery_terms(words, prefixes=True), _tsquery_terms(words, prefixes=False), strict=True
    )
    each = [
        or_(_has(_TITLES, _tsquery(title)), _has(_DESCRIPTIONS, _tsquery(description)))
        for title, description in terms
    ]
    return select(*columns).where(and_(*each))


def _tsquery_terms(words: SearchWords, *, prefixes: bool) -> list[str]:
    terms = [
        f"('{word}' | '{word}':*)" if prefixes and len(word) >= SHORTEST_PREFIX else f"'{word}'"
        for word in words.words
    ]
    return [*terms, *map(_tsquery_run, words.phrases)]


def _tsquery_run(run: Sequence[str]) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in run) + ")"


def _tsquery(terms: str) -> ColumnElement[Any]:
    return func.to_tsquery(literal_column("'packslip'"), terms)


def _has(vector: ColumnElement[Any], query: ColumnElement[Any]) -> ColumnElement[bool]:
    return vector.bool_op("@@")(query)


def _rank(vector: ColumnElement[Any], query: ColumnElement[Any]) -> ColumnElement[float]:
    weights = cast(literal(list(_TSVECTOR_WEIGHTS), ARRAY(REAL)), ARRAY(REAL))
    return func.ts_rank(weights, vector, query, type_=Float)
