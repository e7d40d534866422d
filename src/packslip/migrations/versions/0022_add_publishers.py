"""Let programs elsewhere publish, as trusted publishers of packages."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0022"
down_revision = "0021"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"


def upgrade() -> None:
    op.create_table(
        "publishers",
        sa.Column("id", packslip.db.BigId, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("issuer", sa.String(300), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("owner_id", sa.String(100), nullable=True),
        sa.Column("last_used_at", packslip.db.UTCDateTime(), nullable=True),
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
            name=op.f("fk_publishers_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publishers")),
        sqlite_autoincrement=True,
    )
    for column in ("created_at", "issuer", "package_id", "user_id"):
        op.create_index(op.f(f"ix_publishers_{column}"), "publishers", [column])
    op.create_table(
        "minted_tokens",
        sa.Column("token_id", packslip.db.BigId, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("publisher_id", packslip.db.BigId, nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["publisher_id"],
            ["publishers.id"],
            name=op.f("fk_minted_tokens_publisher_id_publishers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["tokens.id"],
            name=op.f("fk_minted_tokens_token_id_tokens"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_id", "package_id", name=op.f("pk_minted_tokens")),
    )
    for column in ("created_at", "publisher_id"):
        op.create_index(op.f(f"ix_minted_tokens_{column}"), "minted_tokens", [column])
    op.create_table(
        "used_identities",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_used_identities")),
    )
    for column in ("created_at", "expires_at"):
        op.create_index(op.f(f"ix_used_identities_{column}"), "used_identities", [column])


def downgrade() -> None:
    op.drop_table("used_identities")
    op.drop_table("minted_tokens")
    op.drop_table("publishers")
