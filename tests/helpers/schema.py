"""What stands in a database: its shape, and all of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session

from packslip import all_models as models
from packslip.db import Base
from packslip.downloads.partitions import is_partition
from packslip.packages.search_index import is_index_table

Rows = dict[str, list[tuple[Any, ...]]]


def shape(engine: Engine) -> dict[str, dict[str, Any]]:
    """The tables with their columns, keys, constraints and indexes, in a form that compares."""
    inspector = inspect(engine)
    return {
        table: {
            "columns": {
                column["name"]: column["nullable"] for column in inspector.get_columns(table)
            },
            "primary key": [
                column
                for column in inspector.get_pk_constraint(table)["constrained_columns"]
                # Parts of a table are told apart by it on PostgreSQL.
                if (table, column) != ("downloads", "created_at")
            ],
            "foreign keys": {
                key["name"]: (
                    key["constrained_columns"],
                    key["referred_table"],
                    key["referred_columns"],
                    key["options"],
                )
                for key in inspector.get_foreign_keys(table)
            },
            "unique": {
                constraint["name"]: constraint["column_names"]
                for constraint in inspector.get_unique_constraints(table)
            },
            "indexes": {
                index["name"]: (index["column_names"], bool(index["unique"]))
                for index in inspector.get_indexes(table)
                # PostgreSQL lists the index behind a unique constraint as well.
                if "duplicates_constraint" not in index
            },
        }
        for table in inspector.get_table_names()
        # They are of another kind on each database, or on one of them only.
        if not (is_index_table(table) or is_partition(table))
    }


def fill(session: Session) -> None:
    """Add at least one row to every table there is."""
    now = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    ada = models.User(username="ada", email="ada@example.com", last_login=now)
    package = models.Package(
        id="demo",
        name="Demo",
        license=models.License(id="MIT"),
        latest_version="1.0",
        latest_at=now,
        languages=[models.Language(id="Python")],
    )
    package.maintainers = [models.Maintainer(user=ada)]
    release = models.Release(
        version="1.0", canonical_version="1", sort_key="1", core_metadata={"name": "Demo"}
    )
    release.files = [
        models.File(
            filename="demo-1.0.tar.gz",
            packagetype="sdist",
            tags="source",
            size=10,
            uploaded_at=now,
            uploader=ada,
        )
    ]
    package.releases = [release]
    session.add_all([ada, package])
    session.flush()
    note = models.Note(title="Read me", author=ada, package=package)
    hook = models.Webhook(url="https://example.com", secret="sealed", events=["act.begin"])
    token = models.Token(user=ada, hashed_secret="0" * 64, scope="upload", packages=["demo"])
    publisher = models.Publisher(
        package_id="demo",
        user=ada,
        kind="other",
        issuer="https://id.example.com",
        conditions={"sub": "robot"},
    )
    team = models.Team(name="data")
    session.add_all([note, hook, token, publisher, team])
    session.flush()
    session.add_all(
        [
            models.MintedToken(token_id=token.id, package_id="demo", publisher_id=publisher.id),
            models.UsedIdentity(id="c" * 64, expires_at=now),
            models.Download(
                package_id="demo", release_id=release.id, file="demo-1.0.tar.gz", created_at=now
            ),
            models.DownloadSpool(id="1", position=10),
            models.DownloadPart(day=now.date(), part=0, downloads=1, last_id=1),
            models.DownloadSum(
                package_id="demo", dimension="total", day=now.date(), value="", downloads=1
            ),
            models.DownloadTotal(
                package_id="demo", downloads=1, recent=1, last_at=now, recent_on=now.date()
            ),
            models.Event(action="file.upload", actor_name="ada", data={"file": "demo-1.0.tar.gz"}),
            models.NoteRevision(
                note_id=note.id,
                number=1,
                user_id=ada.id,
                title="Read me",
                body="",
                visibility="private",
                package_id="demo",
                act="none",
            ),
            models.NoteTag(note_id=note.id, tag="read"),
            models.NoteLink(note_id=note.id, package_id="flask"),
            models.NoteComment(note_id=note.id, user=ada, body="Yes"),
            models.NoteDraft(user_id=ada.id, key="new"),
            models.StandingAct(
                note_id=note.id, package_id="demo", act="warn", title="Read me", username="ada"
            ),
            models.Watch(user=ada, package_id="demo"),
            models.WebhookDelivery(webhook=hook, kind="act.begin", payload={}),
            models.LoginSession(user=ada, hashed_secret="1" * 64, last_seen_at=now, expires_at=now),
            models.RecoveryCode(user_id=ada.id, hashed_code="2" * 64),
            models.SecurityKey(user=ada, name="Key", credential_id="id", public_key="key"),
            models.Challenge(value="3", expires_at=now),
            models.AccountLink(
                user=ada, purpose="reset-password", hashed_secret="4" * 64, expires_at=now
            ),
            models.LinkedIdentity(user=ada, issuer="https://id.example.com", subject="1"),
            models.GroupGrant(user_id=ada.id, package_id="demo", role="owner"),
            models.Invitation(invited_by=ada, hashed_secret="5" * 64, expires_at=now),
            models.SetupCode(hashed_code="6" * 64),
            models.Throttle(key="account", last_failure_at=now),
            models.Policy(name="second-factor", value="nobody"),
            models.Mail(kind="recovery", recipient="ada@example.com", due_at=now),
            models.PackageInvitation(user=ada, package=package, role="owner"),
            models.Requirement(package_id="demo", required_id="flask", text="flask>=3"),
            models.RegisteredFilename(id="demo-1.0.tar.gz"),
            models.StagedUpload(
                id="7" * 32,
                user_id=ada.id,
                filename="demo-1.1.tar.gz",
                size=10,
                sha256="8" * 64,
                md5="9" * 32,
                blake2_256="a" * 64,
                expires_at=now,
            ),
            models.SearchEntry(
                package_id="demo",
                compact="demo",
                latest_at=now,
                origin="hosted",
                yanked=False,
                pythons=1,
            ),
            models.MirrorPage(package_id="demo"),
            models.MirrorFile(file_id=release.files[0].id),
            models.Attested(file_id=release.files[0].id, attestations=[{"version": 1}]),
            models.TeamMember(team=team, user_id=ada.id, by_hand="manager"),
            models.TeamPackage(team=team, package_id="demo", role="owner"),
            models.TeamPrefix(team=team, prefix="acme", role="maintainer"),
            models.MirrorUpstream(name="upstream"),
            models.MirrorAlarm(package_id="demo", kind="yanked", day="2026-01-31", event_id=1),
            models.MirrorRule(kind="deny", packages=["evil-*"], username="ada"),
            models.MirrorRuleState(token="b" * 32),
            models.Turn(id="clear up"),
            models.MirrorDecision(note_id=note.id, approved=False, username="ada"),
        ]
    )
    session.commit()
    empty = [name for name, found in rows(session).items() if not found]
    assert not empty, f"fill() adds no row to {empty}"


def rows(session: Session, *, without: tuple[str, ...] = ()) -> Rows:
    """All rows of all tables of the models, but those named."""
    return {
        table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
        # What migrations keep of themselves is no content.
        if table.name not in {*without, "schema_state"}
    }
