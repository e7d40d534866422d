"""Keep what the schema works with."""

from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0020"
down_revision = "0019"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"


def upgrade() -> None:
    op.create_table(
        "schema_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("works_with", sa.Text(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_state")),
    )
    op.create_index(op.f("ix_schema_state_created_at"), "schema_state", ["created_at"])


def downgrade() -> None:
    op.drop_table("schema_state")


def _times() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name, packslip.db.UTCDateTime(), server_default=packslip.db.utc_now(), nullable=False
        )
        for name in ("updated_at", "created_at")
    ]
