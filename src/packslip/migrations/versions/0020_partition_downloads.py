"""Keep downloads by month on PostgreSQL, what the schema works with, and who does what now and then.

On PostgreSQL no row of `downloads` is moved: the table becomes one part of a new one. Its rows are looked
at before, while others go on reading and writing; the change itself locks the table for a moment.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db
from packslip import schema_changes
from packslip.downloads.partitions import DEFAULT, everything_before, next_month, partition_of

revision = "0020"
down_revision = "0019"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"

#: The indexes of `downloads`, each with its columns.
_INDEXES = {
    "ix_downloads_created_at": ["created_at"],
    "ix_downloads_package_id": ["package_id"],
    "ix_downloads_package_id_created_at": ["package_id", "created_at"],
    "ix_downloads_release_id": ["release_id"],
}

#: A unique index of what was there before, which becomes its key.
_KEY = "downloads_before_key"

#: Says, to PostgreSQL, that the rows from before end where the next part begins.
_BOUND = "downloads_before_bound"


def upgrade() -> None:
    op.create_table(
        "schema_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("works_with", sa.Text(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_state")),
    )
    op.create_index(op.f("ix_schema_state_created_at"), "schema_state", ["created_at"])
    op.create_table(
        "turns",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("done_at", packslip.db.UTCDateTime(), nullable=True),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
    )
    op.create_index(op.f("ix_turns_created_at"), "turns", ["created_at"])
    if op.get_bind().dialect.name == "postgresql":
        _partition()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _unite()
    op.drop_table("turns")
    op.drop_table("schema_state")


def _partition() -> None:
    month = next_month((datetime.now(UTC) + timedelta(days=2)).date())
    before = everything_before(month)
    # Each of these may be what is left of a migration that was cut off.
    op.execute(f"ALTER TABLE downloads DROP CONSTRAINT IF EXISTS {_BOUND}")
    op.execute(
        f"ALTER TABLE downloads ADD CONSTRAINT {_BOUND}"
        f" CHECK (created_at < '{_begin(month)}') NOT VALID"
    )
    schema_changes.create_index(_KEY, "downloads", ["id", "created_at"], unique=True)
    with op.get_context().autocommit_block():
        # Others read and write meanwhile.
        op.execute(f"ALTER TABLE downloads VALIDATE CONSTRAINT {_BOUND}")

    op.execute("LOCK TABLE downloads IN ACCESS EXCLUSIVE MODE")
    op.execute(f"ALTER TABLE downloads RENAME TO {before}")
    op.execute(f"ALTER TABLE {before} DROP CONSTRAINT pk_downloads")
    op.execute(f"ALTER TABLE {before} ADD PRIMARY KEY USING INDEX {_KEY}")
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_before")
    op.execute(
        f"CREATE TABLE downloads (LIKE {before} INCLUDING DEFAULTS,"
        " CONSTRAINT pk_downloads PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at)"
    )
    for name, columns in _INDEXES.items():
        op.create_index(op.f(name), "downloads", columns)
    op.execute("ALTER SEQUENCE downloads_id_seq OWNED BY downloads.id")
    op.execute(
        f"ALTER TABLE downloads ATTACH PARTITION {before}"
        f" FOR VALUES FROM (MINVALUE) TO ('{_begin(month)}')"
    )
    op.execute(f"ALTER TABLE {before} DROP CONSTRAINT {_BOUND}")
    op.execute(
        f"CREATE TABLE {partition_of(month)} PARTITION OF downloads"
        f" FOR VALUES FROM ('{_begin(month)}') TO ('{_begin(next_month(month))}')"
    )
    op.execute(f"CREATE TABLE {DEFAULT} PARTITION OF downloads DEFAULT")


def _unite() -> None:
    op.execute("ALTER TABLE downloads RENAME TO downloads_in_parts")
    op.execute("ALTER TABLE downloads_in_parts RENAME CONSTRAINT pk_downloads TO pk_in_parts")
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_in_parts")
    op.execute(
        "CREATE TABLE downloads (LIKE downloads_in_parts INCLUDING DEFAULTS,"
        " CONSTRAINT pk_downloads PRIMARY KEY (id))"
    )
    op.execute("INSERT INTO downloads SELECT * FROM downloads_in_parts")
    op.execute("ALTER SEQUENCE downloads_id_seq OWNED BY downloads.id")
    op.execute("DROP TABLE downloads_in_parts")
    for name, columns in _INDEXES.items():
        op.create_index(op.f(name), "downloads", columns)


def _begin(month: date) -> str:
    return f"{month} 00:00:00+00"


def _times() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name, packslip.db.UTCDateTime(), server_default=packslip.db.utc_now(), nullable=False
        )
        for name in ("updated_at", "created_at")
    ]
