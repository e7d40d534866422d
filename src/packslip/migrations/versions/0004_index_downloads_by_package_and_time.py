"""Index downloads by package and time."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        op.f("ix_downloads_package_id_created_at"),
        "downloads",
        ["package_id", "created_at"],
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_downloads_package_id_created_at"), table_name="downloads")
