"""Keep what upstreams said, and what came from them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "mirror_pages",
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("state", sa.String(16), server_default="unknown", nullable=False),
        sa.Column("upstream", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("checked_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("changed_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("failed_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("lease_until", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("leased_by", sa.String(64), nullable=True),
        sa.Column("asked_at", packslip.db.UTCDateTime(), nullable=True),
        *_times(),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_mirror_pages")),
    )
    op.create_table(
        "mirror_files",
        sa.Column("file_id", packslip.db.BigId, nullable=False),
        sa.Column("digests", sa.JSON(), nullable=False),
        sa.Column("metadata_offered", sa.String(64), nullable=True),
        sa.Column("metadata_kept", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("dated", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("yanked", sa.Text(), nullable=True),
        sa.Column("provenance", sa.Text(), nullable=True),
        sa.Column("kept_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("used_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("vanished_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("retry_at", packslip.db.UTCDateTime(), nullable=True),
        *_times(),
        sa.ForeignKeyConstraint(
            ["file_id"], ["files.id"], name=op.f("fk_mirror_files_file_id_files"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_mirror_files")),
    )
    op.create_table(
        "mirror_upstreams",
        sa.Column("name", packslip.db.BytewiseText, nullable=False),
        sa.Column("answered_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("failed_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("broken_until", packslip.db.UTCDateTime(), nullable=True),
        *_times(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mirror_upstreams")),
    )
    for table, columns in (
        ("mirror_pages", ("asked_at", "checked_at", "created_at")),
        ("mirror_files", ("created_at", "kept_at", "used_at")),
        ("mirror_upstreams", ("created_at",)),
    ):
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table in ("mirror_upstreams", "mirror_files", "mirror_pages"):
        op.drop_table(table)


def _times() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name, packslip.db.UTCDateTime(), server_default=packslip.db.utc_now(), nullable=False
        )
        for name in ("updated_at", "created_at")
    ]
