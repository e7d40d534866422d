"""Add teams, and what they look after."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0025"
down_revision = "0024"

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = "0019"


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("name", packslip.db.BytewiseText, nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        *_moments(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name", name=op.f("uq_teams_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "team_members",
        _team("team_members"),
        sa.Column(
            "user_id",
            packslip.db.BigId,
            sa.ForeignKey(
                "users.id", name=op.f("fk_team_members_user_id_users"), ondelete="CASCADE"
            ),
            nullable=False,
        ),
        sa.Column("by_hand", sa.String(16), nullable=True),
        sa.Column("by_groups", sa.String(16), nullable=True),
        *_moments(),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_members")),
    )
    op.create_table(
        "team_packages",
        _team("team_packages"),
        sa.Column(
            "package_id",
            packslip.db.BytewiseText,
            sa.ForeignKey(
                "packages.id", name=op.f("fk_team_packages_package_id_packages"), ondelete="CASCADE"
            ),
            nullable=False,
        ),
        sa.Column("role", sa.String(16), nullable=False),
        *_moments(),
        sa.PrimaryKeyConstraint("team_id", "package_id", name=op.f("pk_team_packages")),
    )
    op.create_table(
        "team_prefixes",
        _team("team_prefixes"),
        sa.Column("prefix", packslip.db.BytewiseText, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        *_moments(),
        sa.PrimaryKeyConstraint("team_id", "prefix", name=op.f("pk_team_prefixes")),
    )
    op.create_index(op.f("ix_teams_created_at"), "teams", ["created_at"])
    op.create_index(op.f("ix_team_members_created_at"), "team_members", ["created_at"])
    op.create_index(op.f("ix_team_packages_created_at"), "team_packages", ["created_at"])
    op.create_index(op.f("ix_team_prefixes_created_at"), "team_prefixes", ["created_at"])
    op.create_index(op.f("ix_team_members_user_id"), "team_members", ["user_id"])
    op.create_index(op.f("ix_team_packages_package_id"), "team_packages", ["package_id"])
    op.create_index(op.f("ix_team_prefixes_prefix"), "team_prefixes", ["prefix"])


def _team(table: str) -> sa.Column[int]:
    return sa.Column(
        "team_id",
        packslip.db.BigId,
        sa.ForeignKey("teams.id", name=op.f(f"fk_{table}_team_id_teams"), ondelete="CASCADE"),
        nullable=False,
    )


def _moments() -> list[sa.Column[object]]:
    return [
        sa.Column(
            name,
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        )
        for name in ("created_at", "updated_at")
    ]


def downgrade() -> None:
    op.drop_table("team_prefixes")
    op.drop_table("team_packages")
    op.drop_table("team_members")
    op.drop_table("teams")
