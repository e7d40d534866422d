"""What the migrations say of the schema as a whole."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import Base, Changed, db


class SchemaState(Changed, Base):
    """What the migrations say of the schema as a whole: one row, of number 1."""

    __tablename__ = "schema_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: The oldest revision whose version of Packslip can use this schema.
    works_with: Mapped[str]


def note_what_it_works_with(connection: Connection, oldest: str) -> None:
    """Keep, after migrations, the oldest revision whose version of Packslip can use the schema."""
    if not inspect(connection).has_table(SchemaState.__tablename__):
        return
    connection.execute(
        text(
            "INSERT INTO schema_state (id, works_with) VALUES (1, :oldest)"
            " ON CONFLICT (id) DO UPDATE SET works_with = excluded.works_with"
        ),
        {"oldest": oldest},
    )


def works_with() -> str | None:
    """The oldest revision whose version can use the schema, if the migrations said so."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table(SchemaState.__tablename__):
            return None
        found = connection.execute(text("SELECT works_with FROM schema_state WHERE id = 1"))
        return found.scalar()
