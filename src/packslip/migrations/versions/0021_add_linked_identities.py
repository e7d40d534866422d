"""Let people log in through a provider of identities, whose groups may give them roles."""

from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0021"
down_revision = "0020"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("method", sa.String(60), server_default="", nullable=False))
    op.create_table(
        "linked_identities",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("issuer", sa.String(400), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("last_used_at", packslip.db.UTCDateTime(), nullable=True),
        *_times(),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_linked_identities_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linked_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_linked_identities_issuer_subject")),
        sa.UniqueConstraint("user_id", "issuer", name=op.f("uq_linked_identities_user_id_issuer")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "group_grants",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("by_hand", sa.String(16), nullable=True),
        *_times(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_group_grants_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["packages.id"],
            name=op.f("fk_group_grants_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_grants")),
        sa.UniqueConstraint("user_id", "package_id", name=op.f("uq_group_grants_user_id_package_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_linked_identities_created_at"), "linked_identities", ["created_at"])
    op.create_index(op.f("ix_linked_identities_user_id"), "linked_identities", ["user_id"])
    op.create_index(op.f("ix_group_grants_created_at"), "group_grants", ["created_at"])
    op.create_index(op.f("ix_group_grants_user_id"), "group_grants", ["user_id"])
    op.create_index(op.f("ix_group_grants_package_id"), "group_grants", ["package_id"])


def downgrade() -> None:
    op.drop_table("group_grants")
    op.drop_table("linked_identities")
    op.drop_column("sessions", "method")


def _times() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name, packslip.db.UTCDateTime(), server_default=packslip.db.utc_now(), nullable=False
        )
        for name in ("updated_at", "created_at")
    ]
