"""Index the words of notes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from packslip.notes.markup import names_in
from packslip.packages.search_texts import plain_text

revision = "0011"
down_revision = "0010"

BATCH = 500
MAX_INDEXED = 100_000

_NOTES = sa.table("notes", *(sa.column(name) for name in ("id", "title", "body")))

_WORDS = {
    "sqlite": "INSERT INTO search_note_words (rowid, title, body) VALUES (:id, :title, :body)",
    "postgresql": "INSERT INTO search_note_words (id, title, body) VALUES (:id,"
    " to_tsvector('packslip', :title), to_tsvector('packslip', :body))",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _add_words_postgresql()
    else:
        _add_words_sqlite()
    last = 0
    query = sa.select(_NOTES).order_by(_NOTES.c.id).limit(BATCH)
    while notes := op.get_bind().execute(query.where(_NOTES.c.id > last)).all():
        last = notes[-1].id
        op.get_bind().execute(
            sa.text(_WORDS[op.get_bind().dialect.name]), [_row(note) for note in notes]
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER notes_forget_words")
    op.drop_table("search_note_words")


def _row(note: Any) -> dict[str, Any]:
    tags = " ".join(names_in(note.body).tags)
    return {
        "id": note.id,
        "title": plain_text(f"{note.title} {tags}"),
        "body": plain_text(note.body[:MAX_INDEXED]),
    }


def _add_words_sqlite() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE search_note_words"
        " USING fts5(title, body, tokenize = 'porter unicode61')"
    )
    # Rows of a virtual table cannot have foreign keys.
    op.execute(
        "CREATE TRIGGER notes_forget_words AFTER DELETE ON notes"
        " BEGIN DELETE FROM search_note_words WHERE rowid = old.id; END"
    )


def _add_words_postgresql() -> None:
    op.execute(
        "CREATE TABLE search_note_words ("
        " id bigint CONSTRAINT pk_search_note_words PRIMARY KEY"
        " CONSTRAINT fk_search_note_words_id_notes REFERENCES notes ON DELETE CASCADE,"
        " title tsvector NOT NULL,"
        " body tsvector NOT NULL)"
    )
    for name in ("title", "body"):
        op.execute(f"CREATE INDEX ix_search_note_words_{name} ON search_note_words USING gin ({name})")
