"""The words of notes, for the search: writing them, and finding notes by them.

As for packages the table is of another kind on each database: FTS5 on SQLite, weighted `tsvector`
on PostgreSQL. It holds the words of all notes, so what is found in it is never told by itself:
`having_words` is one condition beside those on who may see a note. Nothing that depends on how
often words stand in notes, such as their weight, is used, as it would tell of notes that are
somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    column,
    func,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from packslip.db import is_postgresql
from packslip.notes.markup import names_in
from packslip.notes.models import Note
from packslip.packages.search_texts import plain_text
from packslip.packages.search_words import SHORTEST_PREFIX, SearchWords

#: Characters of a body whose words are found.
MAX_INDEXED = 100_000

# The primary key of an FTS5 table cannot be the target of an upsert.
_SQLITE_FORGET = text("DELETE FROM search_note_words WHERE rowid = :id")
_SQLITE_WORDS = text(
    "INSERT INTO search_note_words (rowid, title, body) VALUES (:id, :title, :body)"
)
_POSTGRESQL_WORDS = text(
    "INSERT INTO search_note_words (id, title, body) VALUES (:id,"
    " to_tsvector('packslip', :title), to_tsvector('packslip', :body))"
    " ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body"
)

_ID = column("id", BigInteger)
_ROW = literal_column("search_note_words.rowid", BigInteger)
_FTS5: ColumnElement[Any] = literal_column("search_note_words")
_TITLE: ColumnElement[Any] = column("title")
_BODY: ColumnElement[Any] = column("body")
_WORDS = table("search_note_words", _ID, column("title"), column("body"))


def index_note(session: Session, note: Note) -> None:
    """Let the search find the note by what it says now, its tags as by its title.

    A note that is removed leaves the index by itself.
    """
    tags = " ".join(names_in(note.body).tags)
    row = {
        "id": note.id,
        "title": plain_text(f"{note.title} {tags}"),
        "body": plain_text(note.body[:MAX_INDEXED]),
    }
    if is_postgresql(session):
        session.execute(_POSTGRESQL_WORDS, row)
    else:
        session.execute(_SQLITE_FORGET, {"id": note.id})
        session.execute(_SQLITE_WORDS, row)


def having_words(
    session: Session, words: SearchWords, *, in_title: bool = False
) -> ColumnElement[bool]:
    """The condition on `Note` that holds for notes with all of the words, and none of `without`.

    They stand in title, tags or body, or `in_title`: in title and tags alone. In these a word also
    stands for longer ones that begin with it.
    """
    if is_postgresql(session):
        matched = select(_ID).select_from(_WORDS).where(_matches_tsvector(words, in_title))
    else:
        matched = select(_ROW).select_from(_WORDS)
        matched = matched.where(_FTS5.op("MATCH")(_fts5_query(words, in_title)))
    return Note.id.in_(matched)


def _fts5_query(words: SearchWords, in_title: bool) -> str:
    terms = [
        f'("{word}" OR title : "{word}" *)' if len(word) >= SHORTEST_PREFIX else f'"{word}"'
        for word in words.words
    ]
    terms += [_fts5_run(run) for run in words.phrases]
    query = f"({' AND '.join(terms)})"
    if in_title:
        query = f"title : {query}"
    if words.without:
        query += f" NOT ({' OR '.join(map(_fts5_run, words.without))})"
    return query


def _fts5_run(run: Sequence[str]) -> str:
    return f'"{" ".join(run)}"'


def _matches_tsvector(words: SearchWords, in_title: bool) -> ColumnElement[bool]:
    where = (_TITLE,) if in_title else (_TITLE, _BODY)
    each: list[ColumnElement[bool]] = []
    for word in words.words:
        beginning = [_has(_TITLE, f"'{word}':*")] if len(word) >= SHORTEST_PREFIX else []
        each.append(or_(*beginning, *(_has(one, f"'{word}'") for one in where)))
    each += [or_(*(_has(one, _tsquery_run(run)) for one in where)) for run in words.phrases]
    if words.without:
        terms = " | ".join(map(_tsquery_run, words.without))
        each.append(not_(or_(_has(_TITLE, terms), _has(_BODY, terms))))
    return and_(*each)


def _tsquery_run(run: Sequence[str]) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in run) + ")"


def _has(vector: ColumnElement[Any], terms: str) -> ColumnElement[bool]:
    return vector.bool_op("@@")(func.to_tsquery(literal_column("'packslip'"), terms))
