"""Add sessions, invitations, second factors and a queue for mail."""

import sqlalchemy as sa
from alembic import op

import packslip.append_only
import packslip.db

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "challenges",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("value", sa.String(length=100), nullable=False),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenges")),
        sa.UniqueConstraint("value", name=op.f("uq_challenges_value")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_challenges_created_at"), "challenges", ["created_at"])
    op.create_index(op.f("ix_challenges_expires_at"), "challenges", ["expires_at"])

    op.create_table(
        "mails",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mails_created_at"), "mails", ["created_at"])
    op.create_index(op.f("ix_mails_due_at"), "mails", ["due_at"])

    op.create_table(
        "policies",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("name", name=op.f("pk_policies")),
    )
    op.create_index(op.f("ix_policies_created_at"), "policies", ["created_at"])

    op.create_table(
        "setup_codes",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("hashed_code", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_codes")),
        sa.UniqueConstraint("hashed_code", name=op.f("uq_setup_codes_hashed_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_setup_codes_created_at"), "setup_codes", ["created_at"])

    op.create_table(
        "throttles",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.JSON(), nullable=False),
        sa.Column("last_failure_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column("blocked_until", packslip.db.UTCDateTime(), nullable=True),
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
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    op.create_index(op.f("ix_throttles_created_at"), "throttles", ["created_at"])
    op.create_index(op.f("ix_throttles_last_failure_at"), "throttles", ["last_failure_at"])

    op.create_table(
        "account_links",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("hashed_secret", sa.String(length=64), nullable=False),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_account_links_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("hashed_secret", name=op.f("uq_account_links_hashed_secret")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_account_links_created_at"), "account_links", ["created_at"])
    op.create_index(op.f("ix_account_links_expires_at"), "account_links", ["expires_at"])
    op.create_index(op.f("ix_account_links_user_id"), "account_links", ["user_id"])

    op.create_table(
        "invitations",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("hashed_secret", sa.String(length=64), nullable=False),
        sa.Column("invited_by_id", packslip.db.BigId, nullable=True),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column("used_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("user_id", packslip.db.BigId, nullable=True),
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
            ["invited_by_id"],
            ["users.id"],
            name=op.f("fk_invitations_invited_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_invitations_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("hashed_secret", name=op.f("uq_invitations_hashed_secret")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_invitations_created_at"), "invitations", ["created_at"])
    op.create_index(op.f("ix_invitations_expires_at"), "invitations", ["expires_at"])
    op.create_index(op.f("ix_invitations_invited_by_id"), "invitations", ["invited_by_id"])
    op.create_index(op.f("ix_invitations_user_id"), "invitations", ["user_id"])

    op.create_table(
        "recovery_codes",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("hashed_code", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_recovery_codes_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("hashed_code", name=op.f("uq_recovery_codes_hashed_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_recovery_codes_created_at"), "recovery_codes", ["created_at"])
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])

    op.create_table(
        "security_keys",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=True),
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
            name=op.f("fk_security_keys_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_keys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_security_keys_credential_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_security_keys_created_at"), "security_keys", ["created_at"])
    op.create_index(op.f("ix_security_keys_user_id"), "security_keys", ["user_id"])

    op.create_table(
        "sessions",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("hashed_secret", sa.String(length=64), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=400), nullable=False),
        sa.Column("last_seen_at", packslip.db.UTCDateTime(), nullable=False),
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
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("hashed_secret", name=op.f("uq_sessions_hashed_secret")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sessions_created_at"), "sessions", ["created_at"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])

    op.create_table(
        "package_invitations",
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("invited_by_id", packslip.db.BigId, nullable=True),
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
            ["invited_by_id"],
            ["users.id"],
            name=op.f("fk_package_invitations_invited_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["packages.id"],
            name=op.f("fk_package_invitations_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_package_invitations_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "package_id", name=op.f("pk_package_invitations")),
    )
    op.create_index(
        op.f("ix_package_invitations_created_at"), "package_invitations", ["created_at"]
    )
    op.create_index(
        op.f("ix_package_invitations_invited_by_id"), "package_invitations", ["invited_by_id"]
    )
    op.create_index(
        op.f("ix_package_invitations_package_id"), "package_invitations", ["package_id"]
    )

    op.add_column("events", sa.Column("subject_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_events_subject_id"), "events", ["subject_id"])
    op.create_index(op.f("ix_events_actor_name"), "events", ["actor_name"])
    op.create_index(op.f("ix_events_ip_address"), "events", ["ip_address"])
    packslip.append_only.make_append_only(op.get_bind(), "events", days=30)

    op.add_column("tokens", sa.Column("last_used_ip", sa.String(length=45), nullable=True))
    op.add_column("tokens", sa.Column("last_used_with", sa.String(length=100), nullable=True))

    op.add_column(
        "users", sa.Column("email_confirmed_at", packslip.db.UTCDateTime(), nullable=True)
    )
    op.add_column("users", sa.Column("disabled_at", packslip.db.UTCDateTime(), nullable=True))
    op.add_column("users", sa.Column("totp_secret", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_confirmed_at", packslip.db.UTCDateTime(), nullable=True))
    op.add_column("users", sa.Column("totp_last_step", sa.BigInteger(), nullable=True))
    # Addresses were given on the command line so far, by whoever runs the index.
    op.execute("UPDATE users SET email_confirmed_at = created_at WHERE hashed_password IS NOT NULL")


def downgrade() -> None:
    op.drop_column("users", "totp_last_step")
    op.drop_column("users", "totp_confirmed_at")
    op.drop_column("users", "totp_secret")
    op.drop_column("users", "disabled_at")
    op.drop_column("users", "email_confirmed_at")
    op.drop_column("tokens", "last_used_with")
    op.drop_column("tokens", "last_used_ip")
    packslip.append_only.make_changeable(op.get_bind(), "events")
    op.drop_index(op.f("ix_events_ip_address"), table_name="events")
    op.drop_index(op.f("ix_events_actor_name"), table_name="events")
    op.drop_index(op.f("ix_events_subject_id"), table_name="events")
    op.drop_column("events", "subject_id")
    op.drop_table("package_invitations")
    op.drop_table("sessions")
    op.drop_table("security_keys")
    op.drop_table("recovery_codes")
    op.drop_table("invitations")
    op.drop_table("account_links")
    op.drop_table("throttles")
    op.drop_table("setup_codes")
    op.drop_table("policies")
    op.drop_table("mails")
    op.drop_table("challenges")
