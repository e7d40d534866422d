"""Let notes act on packages, and keep all that a good notes application keeps.

Yanks that people made become notes of theirs that act; what an import told, and what nobody can
be found for, stays as upstream's word. A downgrade leaves yanks as they stand, without their notes'
acts.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db
from packslip.packages.yank_history import Yank, last_word

revision = "0009"
down_revision = "0008"

_MOMENT = packslip.db.UTCDateTime()

_USERS = sa.table("users", *(sa.column(name) for name in ("id", "username")))
_MAINTAINERS = sa.table(
    "maintainers",
    *(sa.column(name) for name in ("user_id", "package_id", "role")),
    sa.column("created_at", _MOMENT),
)
_PACKAGES = sa.table(
    "packages",
    *(sa.column(name) for name in ("id", "serial", "status", "status_reason")),
    *(sa.column(name) for name in ("upstream_status", "upstream_status_reason")),
)
_RELEASES = sa.table(
    "releases",
    *(sa.column(name) for name in ("id", "package_id", "version", "yanked_reason")),
    sa.column("yanked", sa.Boolean()),
    sa.column("upstream_yanked", sa.Boolean()),
    sa.column("upstream_yanked_reason"),
)
_EVENTS = sa.table(
    "events",
    sa.column("id", sa.BigInteger()),
    *(sa.column(name) for name in ("action", "actor_id", "actor_name", "package_id")),
    sa.column("created_at", _MOMENT),
    sa.column("data", sa.JSON()),
)
_NOTES = sa.table(
    "notes",
    sa.column("id", sa.BigInteger()),
    *(sa.column(name) for name in ("title", "body", "user_id", "visibility", "package_id")),
    *(sa.column(name) for name in ("version_range", "act")),
    sa.column("deleted_at", _MOMENT),
    sa.column("created_at", _MOMENT),
)
_REVISIONS = sa.table(
    "note_revisions",
    *(sa.column(name) for name in ("note_id", "number", "user_id", "title", "body")),
    *(sa.column(name) for name in ("visibility", "package_id", "version_range", "act")),
    sa.column("created_at", _MOMENT),
)
_ACTS = sa.table(
    "acts",
    *(sa.column(name) for name in ("note_id", "package_id", "version_range", "act")),
    *(sa.column(name) for name in ("title", "username")),
    sa.column("created_at", _MOMENT),
)


def upgrade() -> None:
    _add_columns()
    for name, columns, keys in _tables():
        op.create_table(name, *columns, *keys)
        op.create_index(op.f(f"ix_{name}_created_at"), name, ["created_at"])
    for name, column in _INDEXES:
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column])
    op.create_index(
        "uq_watches_user_id",
        "watches",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("package_id IS NULL"),
        postgresql_where=sa.text("package_id IS NULL"),
    )
    op.execute(
        "UPDATE packages SET upstream_status = status, upstream_status_reason = status_reason"
    )
    _keep_revisions()
    _turn_yanks()


def downgrade() -> None:
    connection = op.get_bind()
    connection.execute(sa.delete(_NOTES).where(_NOTES.c.deleted_at.is_not(None)))
    connection.execute(sa.update(_NOTES).values(act="none"))
    for name, *_ in reversed(list(_tables())):
        op.drop_table(name)
    with op.batch_alter_table("notes", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_index(op.f("ix_notes_visibility_updated_at"))
        batch.drop_index(op.f("ix_notes_deleted_at"))
        batch.drop_constraint(op.f("fk_notes_lifted_by_id_users"), type_="foreignkey")
        for name in ("deleted_at", "edition", "lifted_by_id", "lifted_at", "fixed_in"):
            batch.drop_column(name)
    for name in ("upstream_yanked_reason", "upstream_yanked", "held_reason"):
        op.drop_column("releases", name)
    op.drop_index(op.f("ix_packages_acts_until"), "packages")
    for name in ("acts_until", "upstream_status_reason", "upstream_status"):
        op.drop_column("packages", name)


def _add_columns() -> None:
    for column in (
        sa.Column("upstream_status", sa.String(16), server_default="active", nullable=False),
        sa.Column("upstream_status_reason", sa.Text(), nullable=True),
        sa.Column("acts_until", _MOMENT, nullable=True),
    ):
        op.add_column("packages", column)
    op.create_index(op.f("ix_packages_acts_until"), "packages", ["acts_until"])
    for column in (
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.Column("upstream_yanked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("upstream_yanked_reason", sa.Text(), nullable=True),
    ):
        op.add_column("releases", column)
    # The foreign key lets SQLite copy the table; what counts its rows up has to come along.
    with op.batch_alter_table("notes", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("fixed_in", sa.Text(), nullable=True))
        batch.add_column(sa.Column("lifted_at", _MOMENT, nullable=True))
        batch.add_column(sa.Column("lifted_by_id", packslip.db.BigId, nullable=True))
        batch.add_column(sa.Column("edition", sa.Integer(), server_default="1", nullable=False))
        batch.add_column(sa.Column("deleted_at", _MOMENT, nullable=True))
        batch.create_foreign_key(
            op.f("fk_notes_lifted_by_id_users"),
            "users",
            ["lifted_by_id"],
            ["id"],
            ondelete="SET NULL",
        )
    op.create_index(op.f("ix_notes_deleted_at"), "notes", ["deleted_at"])
    op.create_index(op.f("ix_notes_visibility_updated_at"), "notes", ["visibility", "updated_at"])


_INDEXES = (
    ("acts", "package_id"),
    ("note_comments", "note_id"),
    ("note_comments", "user_id"),
    ("note_links", "package_id"),
    ("note_revisions", "user_id"),
    ("note_tags", "tag"),
    ("watches", "package_id"),
    ("webhook_deliveries", "next_attempt_at"),
    ("webhook_deliveries", "webhook_id"),
    ("webhooks", "created_by_id"),
)

_Table = tuple[str, list[sa.Column[Any]], list[sa.Constraint]]


def _tables() -> Iterator[_Table]:
    """The new tables, each below those that it refers to."""
    column, text = sa.Column, sa.Text
    package, whole = packslip.db.BytewiseText, packslip.db.BigId
    yield (
        "acts",
        [
            column("note_id", whole, autoincrement=False, nullable=False),
            column("package_id", package, nullable=False),
            column("version_range", text(), nullable=True),
            column("act", sa.String(16), nullable=False),
            column("title", sa.String(200), nullable=False),
            column("username", sa.String(80), nullable=False),
            column("expires_at", _MOMENT, nullable=True),
            _moment("created_at"),
        ],
        [_primary("acts", "note_id"), _foreign("acts", "package_id", "packages")],
    )
    yield (
        "note_revisions",
        [
            column("note_id", whole, nullable=False),
            column("number", sa.Integer(), autoincrement=False, nullable=False),
            column("user_id", whole, nullable=True),
            column("title", sa.String(200), nullable=False),
            column("body", text(), nullable=False),
            column("visibility", sa.String(16), nullable=False),
            column("package_id", package, nullable=True),
            column("version_range", text(), nullable=True),
            column("act", sa.String(16), nullable=False),
            _moment("created_at"),
        ],
        [
            _primary("note_revisions", "note_id", "number"),
            _foreign("note_revisions", "note_id", "notes"),
            _foreign("note_revisions", "user_id", "users", "SET NULL"),
        ],
    )
    for name, key in (("note_tags", "tag"), ("note_links", "package_id")):
        columns: list[sa.Column[Any]] = [
            column("note_id", whole, nullable=False),
            column(key, package, nullable=False),
            _moment("created_at"),
        ]
        yield (
            name,
            columns,
            [_primary(name, "note_id", key), _foreign(name, "note_id", "notes")],
        )
    yield (
        "note_comments",
        [
            column("id", whole, autoincrement=True, nullable=False),
            column("note_id", whole, nullable=False),
            column("user_id", whole, nullable=False),
            column("body", text(), nullable=False),
            column("deleted_at", _MOMENT, nullable=True),
            _moment("updated_at"),
            _moment("created_at"),
        ],
        [
            _primary("note_comments", "id"),
            _foreign("note_comments", "note_id", "notes"),
            _foreign("note_comments", "user_id", "users"),
        ],
    )
    yield (
        "note_drafts",
        [
            column("user_id", whole, nullable=False),
            column("key", sa.String(20), nullable=False),
            column("title", text(), nullable=False),
            column("body", text(), nullable=False),
            column("fields", sa.JSON(), nullable=False),
            column("edition", sa.Integer(), nullable=True),
            _moment("updated_at"),
            _moment("created_at"),
        ],
        [_primary("note_drafts", "user_id", "key"), _foreign("note_drafts", "user_id", "users")],
    )
    yield (
        "watches",
        [
            column("id", whole, autoincrement=True, nullable=False),
            column("user_id", whole, nullable=False),
            column("package_id", package, nullable=True),
            _moment("created_at"),
        ],
        [
            _primary("watches", "id"),
            sa.UniqueConstraint("user_id", "package_id", name=op.f("uq_watches_user_id_package_id")),
            _foreign("watches", "user_id", "users"),
            _foreign("watches", "package_id", "packages"),
        ],
    )
    yield (
        "webhooks",
        [
            column("id", whole, autoincrement=True, nullable=False),
            column("url", text(), nullable=False),
            column("secret", text(), nullable=False),
            column("events", sa.JSON(), nullable=False),
            column("enabled", sa.Boolean(), nullable=False),
            column("created_by_id", whole, nullable=True),
            _moment("updated_at"),
            _moment("created_at"),
        ],
        [_primary("webhooks", "id"), _foreign("webhooks", "created_by_id", "users", "SET NULL")],
    )
    yield (
        "webhook_deliveries",
        [
            column("id", whole, autoincrement=True, nullable=False),
            column("webhook_id", whole, nullable=False),
            column("kind", sa.String(64), nullable=False),
            column("payload", sa.JSON(), nullable=False),
            column("state", sa.String(16), nullable=False),
            column("attempts", sa.Integer(), nullable=False),
            column("next_attempt_at", _MOMENT, nullable=True),
            column("last_status", sa.Integer(), nullable=True),
            column("last_error", text(), nullable=True),
            _moment("updated_at"),
            _moment("created_at"),
        ],
        [
            _primary("webhook_deliveries", "id"),
            _foreign("webhook_deliveries", "webhook_id", "webhooks"),
        ],
    )


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, _MOMENT, server_default=packslip.db.utc_now(), nullable=False)


def _primary(table: str, *columns: str) -> sa.Constraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _foreign(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.Constraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def _keep_revisions() -> None:
    """Make what each note says the first of its revisions."""
    names = ("title", "body", "user_id", "visibility", "package_id", "version_range", "act")
    said = sa.select(_NOTES.c.id, sa.literal(1), *(_NOTES.c[name] for name in names))
    op.get_bind().execute(
        sa.insert(_REVISIONS).from_select(["note_id", "number", *names], said)
    )


def _turn_yanks() -> None:
    connection = op.get_bind()
    yanked = sa.select(_RELEASES).where(_RELEASES.c.yanked).order_by(_RELEASES.c.id)
    releases = connection.execute(yanked).all()
    events: dict[str, list[Any]] = {}
    for release in releases:
        if release.package_id not in events:
            events[release.package_id] = _events_of(release.package_id)
        word = last_word(events[release.package_id], release.version, release.yanked_reason)
        author = None if word.by is None else _author(word.by, release.package_id)
        upstream = word.upstream if author is not None else (True, release.yanked_reason)
        values = {"upstream_yanked": upstream[0], "upstream_yanked_reason": upstream[1]}
        connection.execute(
            sa.update(_RELEASES).where(_RELEASES.c.id == release.id).values(**values)
        )
        if author is not None and word.by is not None:
            _write_note(release, word.by, author, upstream)


def _events_of(package_id: str) -> list[Any]:
    actions = ("release.yank", "release.unyank", "package.import", "release.create", "file.upload")
    statement = sa.select(_EVENTS).where(
        _EVENTS.c.package_id == package_id, _EVENTS.c.action.in_(actions)
    )
    return list(op.get_bind().execute(statement.order_by(_EVENTS.c.id)))


def _author(yank: Yank, package_id: str) -> Any:
    """Who yanked, or the first owner where a command did; None when there is nobody."""
    by_id = sa.select(_USERS).where(_USERS.c.id == yank.user_id)
    owner = (
        sa.select(_USERS)
        .join_from(_USERS, _MAINTAINERS, _MAINTAINERS.c.user_id == _USERS.c.id)
        .where(_MAINTAINERS.c.package_id == package_id, _MAINTAINERS.c.role == "owner")
        .order_by(_MAINTAINERS.c.created_at, _USERS.c.id)
    )
    connection = op.get_bind()
    return connection.execute(by_id).first() or connection.execute(owner).first()


def _write_note(release: Any, yank: Yank, author: Any, upstream: tuple[bool, str | None]) -> None:
    connection = op.get_bind()
    note = {
        "title": release.yanked_reason or "",
        "visibility": "team",
        "package_id": release.package_id,
        "version_range": yank.version_range,
        "act": "yank",
        "created_at": yank.at,
    }
    written = {**note, "body": "", "user_id": author.id}
    statement = sa.insert(_NOTES).values(**written).returning(_NOTES.c.id)
    note_id = connection.execute(statement).scalar_one()
    connection.execute(sa.insert(_REVISIONS).values(**written, note_id=note_id, number=1))
    act = {name: note[name] for name in note if name != "visibility"}
    connection.execute(
        sa.insert(_ACTS).values(**act, note_id=note_id, username=author.username)
    )
    number = f" (note {note_id})"
    title = release.yanked_reason or ""
    room = 200 - len(number)
    cut = title if len(title) <= room else f"{title[: room - 1].rstrip()}…"
    reasons = [f"{cut}{number}" if title else None, upstream[1]]
    after = "; ".join(reason for reason in reasons if reason) or None
    connection.execute(
        sa.update(_RELEASES).where(_RELEASES.c.id == release.id).values(yanked_reason=after)
    )
    _record(release.package_id, note_id, note)


def _record(package_id: str, note_id: int, note: dict[str, Any]) -> None:
    """What the index says about the package is another reason now, which moves its serial."""
    state = {name: note[name] for name in ("act", "version_range", "title", "visibility")}
    data = {"note_id": note_id, "title": note["title"], "act": "yank", "before": None}
    values = {
        "action": "act.begin",
        "actor_name": "schema upgrade",
        "package_id": package_id,
        "data": {**data, "version_range": note["version_range"], "after": state},
    }
    connection = op.get_bind()
    event_id = connection.execute(
        sa.insert(_EVENTS).values(**values).returning(_EVENTS.c.id)
    ).scalar_one()
    connection.execute(
        sa.update(_PACKAGES).where(_PACKAGES.c.id == package_id).values(serial=event_id)
    )
