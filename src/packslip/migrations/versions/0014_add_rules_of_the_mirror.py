"""Keep the rules about what comes through the mirror."""

from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "mirror_rules",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("packages", sa.JSON(), nullable=False),
        sa.Column("version_range", sa.Text(), nullable=True),
        sa.Column("licenses", sa.JSON(), nullable=False),
        sa.Column("file_kind", sa.String(16), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("not_after", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("lifts_deny", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", sa.String(200), server_default="", nullable=False),
        sa.Column("note_id", packslip.db.BigId, nullable=True),
        sa.Column("username", sa.String(80), nullable=False),
        _time("updated_at"),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror_rules")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mirror_rule_states",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        _time("updated_at"),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror_rule_states")),
    )
    op.create_table(
        "mirror_decisions",
        sa.Column("note_id", packslip.db.BigId, autoincrement=False, nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("rule_id", packslip.db.BigId, nullable=True),
        sa.Column("username", sa.String(80), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_mirror_decisions")),
    )
    for table, columns in (
        ("mirror_rules", ("created_at", "expires_at", "kind", "note_id")),
        ("mirror_rule_states", ("created_at",)),
        ("mirror_decisions", ("created_at", "rule_id")),
    ):
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table in ("mirror_decisions", "mirror_rule_states", "mirror_rules"):
        op.drop_table(table)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(
        name, packslip.db.UTCDateTime(), server_default=packslip.db.utc_now(), nullable=False
    )
