"""Writing the index that search reads: an entry per package, its words, and pieces of its name.

The words are in a table that is of another kind on each database: FTS5 on SQLite, weighted
`tsvector` with GIN indexes on PostgreSQL. No model knows them, and Alembic leaves them alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    column,
    delete,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import dialect_insert, is_postgresql, put
from packslip.packages.models import Maintainer, Package, SearchEntry
from packslip.packages.search_texts import (
    compact_name,
    name_words,
    plain_description,
    plain_text,
    python_bits,
    trigrams,
)

#: Packages that are brought into the index together.
BATCH = 500

_WORDS = table("search_words")

TRIGRAMS = table("search_trigrams", column("trigram"), column("entry_id"))

# The primary key of an FTS5 table cannot be the target of an upsert.
_SQLITE_FORGET = text("DELETE FROM search_words WHERE rowid = :id")
_SQLITE_WORDS = text(
    "INSERT INTO search_words (rowid, name, keywords, summary, people, description)"
    " VALUES (:id, :name, :keywords, :summary, :people, :description)"
)
_POSTGRESQL_WORDS = text(
    "INSERT INTO search_words (id, name, title, description) VALUES (:id,"
    " to_tsvector('packslip', :name),"
    " setweight(to_tsvector('packslip', :name), 'A')"
    " || setweight(to_tsvector('packslip', :keywords), 'B')"
    " || setweight(to_tsvector('packslip', :summary), 'C')"
    " || setweight(to_tsvector('packslip', :people), 'D'),"
    " to_tsvector('packslip', :description))"
    " ON CONFLICT (id) DO UPDATE SET"
    " name = excluded.name, title = excluded.title, description = excluded.description"
)


def is_index_table(name: str | None) -> bool:
    """Whether a table belongs to the index and has no model. FTS5 has tables of its own.

    The words of notes are among them, see `packslip.notes.word_index`.
    """
    beginnings = ("search_words", "search_note_words", "search_trigrams")
    return name is not None and name.startswith(beginnings)


def index_packages(session: Session, package_ids: Iterable[str]) -> None:
    """Let search find the packages by what they are now.

    Call it after each change to their texts or to who looks after them. Packages that are gone
    leave the index by themselves. It takes the same number of statements for any number of
    packages; give at most some hundred at once.
    """
    session.flush()
    wanted = sorted(set(package_ids))
    packages = _packages(session, wanted)
    put(session, SearchEntry, [_entry(package) for package in packages], key="package_id")
    entries = select(SearchEntry.package_id, SearchEntry.id).where(
        SearchEntry.package_id.in_(wanted)
    )
    ids = {package_id: entry_id for package_id, entry_id in session.execute(entries)}  # noqa: C416 - typed
    usernames = _usernames(session, wanted)
    _put_words(
        session,
        [{"id": ids[package.id]} | _words(package, usernames[package.id]) for package in packages],
    )
    pieces = [
        {"trigram": trigram, "entry_id": ids[package.id]}
        for package in packages
        for trigram in sorted(trigrams(compact_name(package.id)))
    ]
    if pieces:
        # A package's name never changes, so those that are there are right.
        session.execute(dialect_insert(session, TRIGRAMS).on_conflict_do_nothing(), pieces)


def reindex_packages(session: Session, package_ids: Sequence[str]) -> None:
    """The same from the ground up, for an index that was made by other rules."""
    session.execute(delete(SearchEntry).where(SearchEntry.package_id.in_(package_ids)))
    index_packages(session, package_ids)


def stale_packages(session: Session, package_ids: Sequence[str]) -> list[str]:
    """Those of the packages whose entries are not as they would be written now, or have no words.

    Which words they have is not looked at.
    """
    entries = {
        row.package_id: row
        for row in session.execute(
            select(
                SearchEntry.id,
                SearchEntry.package_id,
                SearchEntry.compact,
                SearchEntry.latest_at,
                SearchEntry.license_id,
                SearchEntry.origin,
                SearchEntry.yanked,
                SearchEntry.pythons,
            ).where(SearchEntry.package_id.in_(package_ids))
        )
    }
    key = _words_key(session)
    of_these = key.in_([row.id for row in entries.values()])
    worded = set(session.scalars(select(key).select_from(_WORDS).where(of_these)))
    return [
        package.id
        for package in _packages(session, package_ids)
        if (entry := entries.get(package.id)) is None
        or entry.id not in worded
        or any(getattr(entry, name) != value for name, value in _entry(package).items())
    ]


def count_stray_words(session: Session) -> int:
    """How many packages there are words of that are in the index no more."""
    key = _words_key(session)
    stray = select(func.count()).select_from(_WORDS).where(key.not_in(select(SearchEntry.id)))
    return session.scalar(stray) or 0


def forget_stray_words(session: Session) -> None:
    """Remove those words."""
    session.execute(delete(_WORDS).where(_words_key(session).not_in(select(SearchEntry.id))))


def _words_key(session: Session) -> ColumnClause[int]:
    name = "id" if is_postgresql(session) else "rowid"
    return literal_column(f"search_words.{name}", BigInteger)


def package_ids_after(session: Session, last: str) -> Sequence[str]:
    """The next packages in the order of their names, a batch of them."""
    query = select(Package.id).where(Package.id > last).order_by(Package.id).limit(BATCH)
    return session.scalars(query).all()


def _packages(session: Session, package_ids: Sequence[str]) -> Sequence[Any]:
    return session.execute(
        select(
            Package.id,
            Package.name,
            Package.keywords,
            Package.summary,
            Package.people,
            Package.description,
            func.coalesce(Package.latest_at, Package.created_at).label("latest_at"),
            Package.license_id,
            Package.origin,
            Package.latest_yanked,
            Package.requires_python,
        )
        .where(Package.id.in_(package_ids))
        # Transactions that write the same entries do it in one order.
        .order_by(Package.id)
    ).all()


def _entry(package: Any) -> dict[str, Any]:
    return {
        "package_id": package.id,
        "compact": compact_name(package.id),
        "latest_at": package.latest_at,
        "license_id": package.license_id,
        "origin": package.origin,
        "yanked": package.latest_yanked,
        "pythons": python_bits(package.requires_python),
    }


def _words(package: Any, usernames: Sequence[str]) -> dict[str, str]:
    return {
        "name": " ".join(name_words(package.name)),
        "keywords": plain_text(package.keywords),
        "summary": plain_text(package.summary),
        "people": plain_text(" ".join([package.people, *usernames])),
        "description": plain_description(package.description),
    }


def _usernames(session: Session, package_ids: Sequence[str]) -> Mapping[str, list[str]]:
    query = (
        select(Maintainer.package_id, User.username)
        .join(Maintainer.user)
        .where(Maintainer.package_id.in_(package_ids))
        .order_by(User.username)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for package_id, username in session.execute(query):
        found[package_id].append(username)
    return found


def _put_words(session: Session, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    if is_postgresql(session):
        session.execute(_POSTGRESQL_WORDS, rows)
    else:
        session.execute(_SQLITE_FORGET, [{"id": row["id"]} for row in rows])
        session.execute(_SQLITE_WORDS, rows)
