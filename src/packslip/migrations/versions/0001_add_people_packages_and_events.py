"""Add people, packages and events."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=80), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.Column("package_id", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_action"), "events", ["action"])
    op.create_index(op.f("ix_events_actor_id"), "events", ["actor_id"])
    op.create_index(op.f("ix_events_created_at"), "events", ["created_at"])
    op.create_index(op.f("ix_events_package_id"), "events", ["package_id"])

    op.create_table(
        "languages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_languages")),
    )
    op.create_index(op.f("ix_languages_created_at"), "languages", ["created_at"])

    op.create_table(
        "licenses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licenses")),
    )
    op.create_index(op.f("ix_licenses_created_at"), "licenses", ["created_at"])

    op.create_table(
        "registered_filenames",
        sa.Column("id", packslip.db.BytewiseText, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registered_filenames")),
    )
    op.create_index(
        op.f("ix_registered_filenames_created_at"), "registered_filenames", ["created_at"]
    )

    op.create_table(
        "users",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("hashed_password", sa.Text(), nullable=True),
        sa.Column("profile_image_url", sa.Text(), nullable=True),
        sa.Column("last_login", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("role", sa.String(length=16), server_default="member", nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_users_created_at"), "users", ["created_at"])
    op.create_index(op.f("ix_users_email"), "users", ["email"], unique=True)
    op.create_index(op.f("ix_users_last_login"), "users", ["last_login"])

    op.create_table(
        "packages",
        sa.Column("id", packslip.db.BytewiseText, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("description_content_type", sa.Text(), nullable=True),
        sa.Column("home_page", sa.Text(), nullable=True),
        sa.Column("docs_url", sa.Text(), nullable=True),
        sa.Column("package_url", sa.Text(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=True),
        sa.Column("author_email", sa.Text(), nullable=True),
        sa.Column("license_id", sa.Text(), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="active", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("serial", sa.BigInteger(), nullable=False),
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
            ["license_id"], ["licenses.id"], name=op.f("fk_packages_license_id_licenses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packages")),
    )
    op.create_index(op.f("ix_packages_author_email"), "packages", ["author_email"])
    op.create_index(op.f("ix_packages_created_at"), "packages", ["created_at"])
    op.create_index(op.f("ix_packages_license_id"), "packages", ["license_id"])
    op.create_index(op.f("ix_packages_serial"), "packages", ["serial"])

    op.create_table(
        "tokens",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hashed_secret", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("packages", sa.JSON(), nullable=True),
        sa.Column("expires_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", packslip.db.UTCDateTime(), nullable=True),
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
            ["user_id"], ["users.id"], name=op.f("fk_tokens_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hashed_secret", name=op.f("uq_tokens_hashed_secret")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tokens_created_at"), "tokens", ["created_at"])
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"])

    op.create_table(
        "maintainers",
        sa.Column("user_id", packslip.db.BigId, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
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
            name=op.f("fk_maintainers_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_maintainers_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "package_id", name=op.f("pk_maintainers")),
    )
    op.create_index(op.f("ix_maintainers_created_at"), "maintainers", ["created_at"])
    op.create_index(op.f("ix_maintainers_package_id"), "maintainers", ["package_id"])

    op.create_table(
        "package_languages",
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("language_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["language_id"],
            ["languages.id"],
            name=op.f("fk_package_languages_language_id_languages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["packages.id"],
            name=op.f("fk_package_languages_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("package_id", "language_id", name=op.f("pk_package_languages")),
    )
    op.create_index(op.f("ix_package_languages_created_at"), "package_languages", ["created_at"])
    op.create_index(op.f("ix_package_languages_language_id"), "package_languages", ["language_id"])

    op.create_table(
        "releases",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("canonical_version", sa.Text(), nullable=False),
        sa.Column("sort_key", packslip.db.BytewiseText, nullable=False),
        sa.Column("is_prerelease", sa.Boolean(), nullable=False),
        sa.Column("major_ver", sa.BigInteger(), nullable=False),
        sa.Column("minor_ver", sa.BigInteger(), nullable=False),
        sa.Column("build_ver", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("yanked", sa.Boolean(), nullable=False),
        sa.Column("yanked_reason", sa.Text(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
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
            name=op.f("fk_releases_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint(
            "package_id", "canonical_version", name=op.f("uq_releases_package_id_canonical_version")
        ),
        sa.UniqueConstraint("package_id", "version", name=op.f("uq_releases_package_id_version")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_releases_build_ver"), "releases", ["build_ver"])
    op.create_index(op.f("ix_releases_created_at"), "releases", ["created_at"])
    op.create_index(op.f("ix_releases_major_ver"), "releases", ["major_ver"])
    op.create_index(op.f("ix_releases_minor_ver"), "releases", ["minor_ver"])
    op.create_index(op.f("ix_releases_package_id"), "releases", ["package_id"])
    op.create_index(op.f("ix_releases_package_id_sort_key"), "releases", ["package_id", "sort_key"])

    op.create_table(
        "files",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("release_id", packslip.db.BigId, nullable=False),
        sa.Column("filename", packslip.db.BytewiseText, nullable=False),
        sa.Column("packagetype", sa.String(length=32), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("md5", sa.String(length=32), nullable=True),
        sa.Column("blake2_256", sa.String(length=64), nullable=True),
        sa.Column("requires_python", sa.Text(), nullable=True),
        sa.Column("uploaded_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column("uploader_id", packslip.db.BigId, nullable=True),
        sa.Column("metadata_sha256", sa.String(length=64), nullable=True),
        sa.Column("metadata_is_static", sa.Boolean(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
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
            ["release_id"],
            ["releases.id"],
            name=op.f("fk_files_release_id_releases"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["uploader_id"],
            ["users.id"],
            name=op.f("fk_files_uploader_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("filename", name=op.f("uq_files_filename")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_files_created_at"), "files", ["created_at"])
    op.create_index(op.f("ix_files_release_id"), "files", ["release_id"])
    op.create_index(op.f("ix_files_sha256"), "files", ["sha256"])
    op.create_index(op.f("ix_files_uploaded_at"), "files", ["uploaded_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_files_uploaded_at"), table_name="files")
    op.drop_index(op.f("ix_files_sha256"), table_name="files")
    op.drop_index(op.f("ix_files_release_id"), table_name="files")
    op.drop_index(op.f("ix_files_created_at"), table_name="files")
    op.drop_table("files")
    op.drop_index(op.f("ix_releases_package_id_sort_key"), table_name="releases")
    op.drop_index(op.f("ix_releases_package_id"), table_name="releases")
    op.drop_index(op.f("ix_releases_minor_ver"), table_name="releases")
    op.drop_index(op.f("ix_releases_major_ver"), table_name="releases")
    op.drop_index(op.f("ix_releases_created_at"), table_name="releases")
    op.drop_index(op.f("ix_releases_build_ver"), table_name="releases")
    op.drop_table("releases")
    op.drop_index(op.f("ix_package_languages_language_id"), table_name="package_languages")
    op.drop_index(op.f("ix_package_languages_created_at"), table_name="package_languages")
    op.drop_table("package_languages")
    op.drop_index(op.f("ix_maintainers_package_id"), table_name="maintainers")
    op.drop_index(op.f("ix_maintainers_created_at"), table_name="maintainers")
    op.drop_table("maintainers")
    op.drop_index(op.f("ix_tokens_user_id"), table_name="tokens")
    op.drop_index(op.f("ix_tokens_created_at"), table_name="tokens")
    op.drop_table("tokens")
    op.drop_index(op.f("ix_packages_serial"), table_name="packages")
    op.drop_index(op.f("ix_packages_license_id"), table_name="packages")
    op.drop_index(op.f("ix_packages_created_at"), table_name="packages")
    op.drop_index(op.f("ix_packages_author_email"), table_name="packages")
    op.drop_table("packages")
    op.drop_index(op.f("ix_users_last_login"), table_name="users")
    op.drop_index(op.f("ix_users_email"), table_name="users")
    op.drop_index(op.f("ix_users_created_at"), table_name="users")
    op.drop_table("users")
    op.drop_index(op.f("ix_registered_filenames_created_at"), table_name="registered_filenames")
    op.drop_table("registered_filenames")
    op.drop_index(op.f("ix_licenses_created_at"), table_name="licenses")
    op.drop_table("licenses")
    op.drop_index(op.f("ix_languages_created_at"), table_name="languages")
    op.drop_table("languages")
    op.drop_index(op.f("ix_events_package_id"), table_name="events")
    op.drop_index(op.f("ix_events_created_at"), table_name="events")
    op.drop_index(op.f("ix_events_actor_id"), table_name="events")
    op.drop_index(op.f("ix_events_action"), table_name="events")
    op.drop_table("events")
