"""Keep attestations of files."""

import sqlalchemy as sa
from alembic import op

import packslip.db
import packslip.stamping

revision = "0024"
down_revision = "0023"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"


def upgrade() -> None:
    op.create_table(
        "attestations",
        sa.Column("file_id", packslip.db.BigId, nullable=False),
        sa.Column("publisher", sa.JSON(), nullable=False),
        sa.Column("attestations", sa.JSON(), nullable=False),
        sa.Column("verified_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["files.id"],
            name=op.f("fk_attestations_file_id_files"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_attestations")),
    )
    op.create_index(op.f("ix_attestations_created_at"), "attestations", ["created_at"])
    packslip.stamping.stamp_changes(op.get_bind(), "attestations")


def downgrade() -> None:
    packslip.stamping.stop_stamping(op.get_bind(), "attestations")
    op.drop_table("attestations")
