"""Note which downloads were archived."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0023"
down_revision = "0022"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"


def upgrade() -> None:
    op.create_table(
        "download_parts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("day", "part", name=op.f("pk_download_parts")),
    )
    op.create_index(op.f("ix_download_parts_created_at"), "download_parts", ["created_at"])


def downgrade() -> None:
    op.drop_table("download_parts")
