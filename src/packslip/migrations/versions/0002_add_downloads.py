"""Add downloads."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "download_spools",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_spools")),
    )
    op.create_index(op.f("ix_download_spools_created_at"), "download_spools", ["created_at"])

    op.create_table(
        "downloads",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("package_id", sa.Text(), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.Column("installer", sa.String(length=32), nullable=True),
        sa.Column("installer_version", sa.String(length=64), nullable=True),
        sa.Column("python_version", sa.String(length=64), nullable=True),
        sa.Column("system", sa.String(length=64), nullable=True),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_downloads")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_downloads_created_at"), "downloads", ["created_at"])
    op.create_index(op.f("ix_downloads_package_id"), "downloads", ["package_id"])
    op.create_index(op.f("ix_downloads_release_id"), "downloads", ["release_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_downloads_release_id"), table_name="downloads")
    op.drop_index(op.f("ix_downloads_package_id"), table_name="downloads")
    op.drop_index(op.f("ix_downloads_created_at"), table_name="downloads")
    op.drop_table("downloads")
    op.drop_index(op.f("ix_download_spools_created_at"), table_name="download_spools")
    op.drop_table("download_spools")
