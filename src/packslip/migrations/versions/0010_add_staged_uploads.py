"""Keep uploads that wait for their confirmation."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "staged_uploads",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("md5", sa.String(32), nullable=False),
        sa.Column("blake2_256", sa.String(64), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("arrived", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=False),
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
            ["user_id"],
            ["users.id"],
            name=op.f("fk_staged_uploads_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staged_uploads")),
    )
    for column in ("user_id", "expires_at", "created_at"):
        op.create_index(op.f(f"ix_staged_uploads_{column}"), "staged_uploads", [column])


def downgrade() -> None:
    op.drop_table("staged_uploads")
