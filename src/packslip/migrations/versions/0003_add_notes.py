"""Add notes."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("visibility", sa.String(length=16), server_default="private", nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=True),
        sa.Column("version_range", sa.Text(), nullable=True),
        sa.Column("act", sa.String(length=16), server_default="none", nullable=False),
        sa.Column("review_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False),
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
            name=op.f("fk_notes_package_id_packages"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notes_created_at"), "notes", ["created_at"])
    op.create_index(op.f("ix_notes_expires_at"), "notes", ["expires_at"])
    op.create_index(op.f("ix_notes_package_id"), "notes", ["package_id"])
    op.create_index(op.f("ix_notes_user_id"), "notes", ["user_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_notes_user_id"), table_name="notes")
    op.drop_index(op.f("ix_notes_package_id"), table_name="notes")
    op.drop_index(op.f("ix_notes_expires_at"), table_name="notes")
    op.drop_index(op.f("ix_notes_created_at"), table_name="notes")
    op.drop_table("notes")
