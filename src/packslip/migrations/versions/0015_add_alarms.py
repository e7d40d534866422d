"""Keep what upstream changed until somebody has looked at it."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "mirror_alarms",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("upstream", sa.Text(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("event_id", packslip.db.BigId, nullable=False),
        sa.Column("settled_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("settled_by", sa.String(80), nullable=True),
        sa.Column("note_id", packslip.db.BigId, nullable=True),
        sa.Column(
            "updated_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["packages.id"],
            name=op.f("fk_mirror_alarms_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror_alarms")),
        sa.UniqueConstraint(
            "package_id", "kind", "day", name=op.f("uq_mirror_alarms_package_id_kind_day")
        ),
        sqlite_autoincrement=True,
    )
    for column in ("created_at", "settled_at"):
        op.create_index(op.f(f"ix_mirror_alarms_{column}"), "mirror_alarms", [column])


def downgrade() -> None:
    op.drop_table("mirror_alarms")
