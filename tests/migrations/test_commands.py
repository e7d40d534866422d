"""`flask --app packslip db ...`, run as the command that it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.downloads import NOON, add_downloads
from tests.helpers.notes import make_note
from tests.helpers.packages import add_file, add_package, add_release
from tests.helpers.processes import Finished, own_environment, run_own
from tests.helpers.schema import Rows, fill, rows
from tests.helpers.search import add_found

from packslip.accounts.models import User
from packslip.app import MIGRATIONS
from packslip.db import db, write_transaction
from packslip.downloads.models import DownloadSum, DownloadTotal
from packslip.packages.latest import refresh_texts
from packslip.packages.models import MaintainerRole, Package
from packslip.packages.operations import set_maintainer

NEW_TABLE = '''
"""Add shelves."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.create_table(
        "shelves",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("package_id", sa.Text(), sa.ForeignKey("packages.id"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("shelves")
'''

CHANGED_TABLE = '''
"""Give packages and users a colour; SQLite copies the tables for it."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    for table in ("packages", "users", "releases"):
        with op.batch_alter_table(table, recreate="auto") as batch:
            batch.add_column(sa.Column("colour", sa.Text(), nullable=True))
            batch.create_unique_constraint("uq_" + table + "_colour", ["colour"])


def downgrade() -> None:
    for table in ("packages", "users", "releases"):
        with op.batch_alter_table(table, recreate="auto") as batch:
            batch.drop_constraint("uq_" + table + "_colour")
            batch.drop_column("colour")
'''


def flask_db(folder: Path, database_url: str, *arguments: str) -> Finished:
    environment = own_environment(
        folder / "home", PACKSLIP_DATA=str(folder / "data"), PACKSLIP_DATABASE_URL=database_url
    )
    done = run_own(
        "flask", "--app", "packslip", "db", *arguments, environment=environment, folder=folder
    )
    assert done.code == 0, done
    return done


@contextmanager
def opened(folder: Path, database_url: str) -> Iterator[Session]:
    """A session that leaves no connection behind: the commands must be able to lock tables."""
    with make_app(folder / "data", database_url).app_context():
        yield db.session()
        db.session.remove()
        db.engine.dispose()


def all_rows(folder: Path, database_url: str, *, without: tuple[str, ...] = ()) -> Rows:
    with opened(folder, database_url) as session:
        return rows(session, without=without)


def filled(folder: Path, database_url: str, *, without: tuple[str, ...] = ()) -> Rows:
    with opened(folder, database_url) as session:
        fill(session)
        return rows(session, without=without)


def copied_migrations(folder: Path) -> Path:
    copy = folder / "migrations"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


#: Tables that a downgrade to 0004 drops.
ADDED_AFTER_0004 = (
    "page_stamps",
    "account_links",
    "acts",
    "attestations",
    "challenges",
    "download_parts",
    "download_sums",
    "download_totals",
    "group_grants",
    "invitations",
    "linked_identities",
    "mails",
    "minted_tokens",
    "mirror_alarms",
    "mirror_decisions",
    "mirror_files",
    "mirror_pages",
    "mirror_rule_states",
    "mirror_rules",
    "mirror_upstreams",
    "note_comments",
    "note_drafts",
    "note_links",
    "note_revisions",
    "note_tags",
    "package_invitations",
    "policies",
    "recovery_codes",
    "requirements",
    "search_entries",
    "security_keys",
    "sessions",
    "setup_codes",
    "staged_uploads",
    "team_members",
    "team_packages",
    "team_prefixes",
    "teams",
    "throttles",
    "turns",
    "watches",
    "webhook_deliveries",
    "webhooks",
    "publishers",
    "used_identities",
)


def newest_revision(migrations: Path) -> str:
    return max(path.stem.split("_")[0] for path in (migrations / "versions").glob("[0-9]*.py"))


def test_upgrade_on_an_empty_database_makes_every_table(
    empty_database_url: str, tmp_path: Path
) -> None:
    flask_db(tmp_path, empty_database_url, "upgrade")
    with opened(tmp_path, empty_database_url) as session:
        fill(session)
        revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert revision == newest_revision(MIGRATIONS)


def test_migrate_right_after_finds_nothing_and_says_so(database_url: str, tmp_path: Path) -> None:
    migrations = copied_migrations(tmp_path)
    before = sorted(path.name for path in migrations.rglob("*.py"))
    done = flask_db(tmp_path, database_url, "migrate", "--directory", str(migrations))
    assert "nothing to migrate" in done.output
    assert sorted(path.name for path in migrations.rglob("*.py")) == before


def test_downgrade_and_upgrade_keep_all_rows(database_url: str, tmp_path: Path) -> None:
    before = filled(tmp_path, database_url, without=ADDED_AFTER_0004)
    flask_db(tmp_path, database_url, "downgrade", "0004")
    flask_db(tmp_path, database_url, "upgrade")
    assert all_rows(tmp_path, database_url, without=ADDED_AFTER_0004) == before


def test_downgrades_that_drop_tables_keep_the_rows_of_the_others(
    database_url: str, tmp_path: Path
) -> None:
    dropped = {"notes", "downloads", "download_spools", *ADDED_AFTER_0004}
    before = filled(tmp_path, database_url, without=tuple(dropped))
    flask_db(tmp_path, database_url, "downgrade", "0001")
    flask_db(tmp_path, database_url, "upgrade")
    after = all_rows(tmp_path, database_url)
    # The index of the search is made of what the others hold.
    empty = dropped - {"search_entries"}
    assert {table: after[table] for table in empty} == {table: [] for table in empty}
    assert {table: after[table] for table in after if table not in dropped} == before


def test_downgrade_to_nothing_removes_every_table(database_url: str, tmp_path: Path) -> None:
    flask_db(tmp_path, database_url, "downgrade", "base")
    with opened(tmp_path, database_url):
        found = inspect(db.engine).get_table_names()
    assert found == ["alembic_version"]


@pytest.mark.parametrize("revision", [NEW_TABLE, CHANGED_TABLE], ids=["new table", "changed table"])
def test_a_further_migration_leaves_the_rows_of_the_old_tables_alone(
    database_url: str, tmp_path: Path, revision: str
) -> None:
    migrations = copied_migrations(tmp_path)
    written = revision.lstrip().format(head=newest_revision(migrations))
    (migrations / "versions" / "9999_further.py").write_text(written)
    before = filled(tmp_path, database_url)
    for step in ("upgrade", "downgrade"):
        flask_db(tmp_path, database_url, step, "--directory", str(migrations))
        assert all_rows(tmp_path, database_url) == before


def test_downloads_that_were_recorded_before_are_summed_up(
    database_url: str, tmp_path: Path
) -> None:
    def sums() -> list[tuple[Any, ...]]:
        with opened(tmp_path, database_url) as session:
            totals = select(
                DownloadTotal.package_id, DownloadTotal.downloads, DownloadTotal.last_at
            )
            days = select(
                DownloadSum.package_id,
                DownloadSum.dimension,
                DownloadSum.day,
                DownloadSum.value,
                DownloadSum.downloads,
            )
            return sorted(map(tuple, session.execute(totals))) + sorted(
                map(tuple, session.execute(days))
            )

    with opened(tmp_path, database_url) as session:
        add_downloads(
            session,
            {"installer": "pip", "python_version": "3.12.1", "system": "Linux"},
            {"package_id": "other", "created_at": NOON + timedelta(days=1)},
            {"installer": "uv"},
        )
        session.commit()
    before = sums()
    flask_db(tmp_path, database_url, "downgrade", "0005")
    flask_db(tmp_path, database_url, "upgrade")
    assert len(before) == 27
    assert sums() == before


def test_what_was_required_before_is_kept_from_then_on(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url) as session:
        package = add_package(session)
        for version, said in (
            ("1.0", {"requires_dist": ["old"]}),
            ("2.0", {"requires_dist": ["Flask>=3", "?"]}),
            ("3.0", {}),
        ):
            add_release(session, package, version, core_metadata=said)
        add_release(session, add_package(session, "bare"))
    flask_db(tmp_path, database_url, "downgrade", "0006")
    flask_db(tmp_path, database_url, "upgrade")
    with opened(tmp_path, database_url) as session:
        found = session.execute(text("SELECT package_id, required_id, text FROM requirements"))
        assert [tuple(row) for row in found] == [("demo", "flask", "Flask>=3")]


def test_the_search_index_of_what_was_there_is_that_of_what_comes(
    database_url: str, tmp_path: Path
) -> None:
    def index() -> list[list[tuple[Any, ...]]]:
        latest = (
            "id, latest_version, latest_at, requires_python, latest_yanked, keywords, people,"
            " updated_at FROM packages"
        )
        entries = "package_id, compact, latest_at, license_id, yanked, pythons FROM search_entries"
        pieces = "package_id, trigram FROM search_trigrams JOIN search_entries e ON e.id = entry_id"
        with opened(tmp_path, database_url) as session:
            is_sqlite = database_url.startswith("sqlite")
            words = "name, keywords, summary, people, description" if is_sqlite else "name, title"
            parts = (latest, entries, pieces, f"{words} FROM search_words")
            return [
                sorted(map(tuple, session.execute(text(f"SELECT {part}"))), key=repr)
                for part in parts
            ]

    with opened(tmp_path, database_url) as session:
        ada = make_user(session)
        demo = add_found(
            session,
            "Demo-App",
            "A demo.",
            requires_python=">=3.12",
            keywords=["apples"],
            license="MIT",
            author="Ada",
            maintainer_email="grace@example.com",
            description="# About\nhttps://example.com apples",
        )
        add_file(session, demo.releases[0], "demo_app-1.0.tar.gz", requires_python=">=3.12")
        add_release(session, demo, "2.0", core_metadata={})
        with write_transaction(session):
            user = session.get_one(User, ada.id)
            refresh_texts(session, session.get_one(Package, "demo-app"))
            set_maintainer(session, ACTOR, demo, user, MaintainerRole.OWNER)
        add_found(session, "yanked", yanked=True, requires_python="<3.9")
        empty = add_package(session, "empty", people="Ada", author_name="Ada")
        with write_transaction(session):
            refresh_texts(session, session.get_one(Package, empty.id))
    before = index()
    assert [len(rows) for rows in before[:2]] == [3, 3]
    flask_db(tmp_path, database_url, "downgrade", "0006")
    flask_db(tmp_path, database_url, "upgrade")
    assert index() == before


def test_notes_that_were_there_before_are_found_by_their_words(
    database_url: str, tmp_path: Path
) -> None:
    def words() -> list[tuple[Any, ...]]:
        number = "rowid" if database_url.startswith("sqlite") else "id"
        with opened(tmp_path, database_url) as session:
            found = session.execute(
                text(f"SELECT {number}, title, body FROM search_note_words ORDER BY 1")
            )
            return [tuple(row) for row in found]

    with opened(tmp_path, database_url) as session:
        ada = make_user(session)
        for title in ("Ünder one", "Two"):
            make_note(session, ada, title, body="Libraries #tagged")
    before = words()
    assert len(before) == 2
    flask_db(tmp_path, database_url, "downgrade", "0009")
    flask_db(tmp_path, database_url, "upgrade")
    assert words() == before
