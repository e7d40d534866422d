"""Stamp what packages' pages rest on, so that finished pages can be kept."""

import sqlalchemy as sa
from alembic import op

import packslip.db
import packslip.stamping

revision = "0018"
down_revision = "0015"

TABLES = (
    "packages",
    "releases",
    "files",
    "mirror_files",
    "mirror_pages",
    "mirror_rule_states",
    "notes",
    "acts",
)


def upgrade() -> None:
    op.create_table(
        "page_stamps",
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_page_stamps")),
    )
    op.create_index(op.f("ix_page_stamps_created_at"), "page_stamps", ["created_at"])
    for table in TABLES:
        packslip.stamping.stamp_changes(op.get_bind(), table)


def downgrade() -> None:
    for table in TABLES:
        packslip.stamping.stop_stamping(op.get_bind(), table)
    op.drop_table("page_stamps")
