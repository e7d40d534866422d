"""Which entries of the index have some words, in the language of each database.

There are two questions. Whether the *title* has them, which is the name, the keywords, the summary
and the people. And whether title and description have them together. The first is answered faster,
and its answers are better. In names a word also stands for longer ones that begin with it. What
must not be there is looked for in all of it.

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
    not_,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from packslip.db import is_postgresql
from packslip.packages.models import SearchEntry
from packslip.packages.search_words import SHORTEST_PREFIX, SearchWords

#: So many entries are weighed by their titles. When there are more, those that came first are.
MOST_TITLES = 1000

#: So many are by their descriptions too, which takes longer: more than anybody can page through.
MOST_TEXTS = 1500

#: What a hit is worth in the name, the keywords, the summary, the people and the description.
_FTS5_WEIGHTS = (10, 5, 3, 2, 1)
#: The same, as PostgreSQL wants it: people, summary, keywords, name; and the description.
_TSVECTOR_WEIGHTS = (0.2, 0.3, 0.5, 1.0)
_DESCRIPTION_WEIGHT = 0.1

#: The columns of an FTS5 table that are the title.
_TITLE = "{name keywords summary people} : "
_NAME = "{name} : "

_ROW = literal_column("search_words.rowid", BigInteger)
_FTS5: ColumnElement[Any] = literal_column("search_words")
_ID = column("id", BigInteger)
_NAMES: ColumnClause[Any] = column("name")
_TITLES: ColumnClause[Any] = column("title")
_DESCRIPTIONS: ColumnClause[Any] = column("description")
_WORDS = table("search_words", _ID, _NAMES, _TITLES, _DESCRIPTIONS)

Conditions = Sequence[ColumnElement[bool]]


def weighed_titles(session: Session, words: SearchWords, conditions: Conditions) -> Subquery:
    """The `id` and `weight` of entries with all words in their title; a greater one is better.

    The conditions are on `SearchEntry`.
    """
    if not is_postgresql(session):
        return _weighed_fts5(_fts5_query(words, _TITLE), conditions, MOST_TITLES)
    weight = _rank(_TITLES, _tsquery(" & ".join(_tsquery_terms(words))))
    matched = _matching_tsvector(words, (_TITLES,), _ID, weight.label("weight"))
    return _with_entries(matched, _ID, conditions).limit(MOST_TITLES).subquery()


def weighed_texts(session: Session, words: SearchWords, conditions: Conditions) -> Subquery:
    """The same for title and description together."""
    if not is_postgresql(session):
        return _weighed_fts5(_fts5_query(words), conditions, MOST_TEXTS)
    matched = _matching_tsvector(words, (_TITLES, _DESCRIPTIONS), _ID, _TITLES, _DESCRIPTIONS)
    found = _with_entries(matched, _ID, conditions).limit(MOST_TEXTS).subquery()
    any_word = _tsquery(" | ".join(_tsquery_terms(words)))
    weight = _rank(found.c.title, any_word) + _DESCRIPTION_WEIGHT * _rank(
        found.c.description, any_word
    )
    return select(found.c.id, weight.label("weight")).subquery()


def matching(session: Session, words: SearchWords) -> Subquery:
    """The `id` of every entry with all words in title and description together."""
    if is_postgresql(session):
        return _matching_tsvector(words, (_TITLES, _DESCRIPTIONS), _ID).subquery()
    return _matching_fts5(_fts5_query(words)).subquery()


def has_none(session: Session, runs: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """Whether none of the runs of words stands in a `SearchEntry`."""
    if is_postgresql(session):
        return ~select(_ID).where(SearchEntry.id == _ID, _has_any(runs)).exists()
    return SearchEntry.id.not_in(_matching_fts5(_fts5_any(runs)))


def _with_entries(
    matched: Select[*tuple[Any, ...]], entry_id: ColumnElement[int], conditions: Conditions
) -> Select[Any]:
    if not conditions:
        return matched
    return matched.join(SearchEntry, SearchEntry.id == entry_id).where(*conditions)


def _weighed_fts5(query: str, conditions: Conditions, most: int) -> Subquery:
    weight = -func.bm25(_FTS5, *_FTS5_WEIGHTS, type_=Float)
    matched = _matching_fts5(query).add_columns(weight.label("weight"))
    # Added to, the number cannot be used to look entry after entry up among the words.
    return _with_entries(matched, _ROW + 0, conditions).limit(most).subquery()


def _matching_fts5(query: str) -> Select[Any]:
    return select(_ROW.label("id")).select_from(_WORDS).where(_FTS5.op("MATCH")(query))


def _fts5_query(words: SearchWords, where: str = "") -> str:
    query = f"{where}({' AND '.join(_fts5_terms(words))})"
    return f"{query} NOT ({_fts5_any(words.without)})" if words.without else query


def _fts5_any(runs: Sequence[Sequence[str]]) -> str:
    return " OR ".join(map(_fts5_run, runs))


def _fts5_terms(words: SearchWords) -> list[str]:
    terms = [
        f'("{word}" OR {_NAME}"{word}" *)' if _is_prefix(word) else f'"{word}"'
        for word in words.words
    ]
    return [*terms, *map(_fts5_run, words.phrases)]


def _fts5_run(run: Sequence[str]) -> str:
    return f'"{" ".join(run)}"'


def _matching_tsvector(
    words: SearchWords, where: Sequence[ColumnElement[Any]], *columns: ColumnElement[Any]
) -> Select[Any]:
    """Select columns of the entries that have each word in one of the columns `where`."""
    each = []
    for word in words.words:
        # Asked in one query, longer words would have to be looked up in each row to see whether
        # they are in the name.
        beginning = [_has(_NAMES, _tsquery(f"'{word}':*"))] if _is_prefix(word) else []
        query = _tsquery(f"'{word}'")
        each.append(or_(*beginning, *(_has(column, query) for column in where)))
    for phrase in words.phrases:
        query = _tsquery(_tsquery_run(phrase))
        each.append(or_(*(_has(column, query) for column in where)))
    if words.without:
        each.append(not_(_has_any(words.without)))
    return select(*columns).where(and_(*each))


def _has_any(runs: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    query = _tsquery(" | ".join(map(_tsquery_run, runs)))
    return or_(_has(_TITLES, query), _has(_DESCRIPTIONS, query))


def _is_prefix(word: str) -> bool:
    return len(word) >= SHORTEST_PREFIX


def _tsquery_terms(words: SearchWords) -> list[str]:
    """A term for each word, by which names are weighed that have longer words as well."""
    terms = [
        f"('{word}' | '{word}':*A)" if _is_prefix(word) else f"'{word}'" for word in words.words
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
