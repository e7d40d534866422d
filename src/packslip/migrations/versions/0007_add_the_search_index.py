"""Add the search index, and to packages what is told of their latest release."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db
from packslip.packages import search_texts

revision = "0007"
down_revision = "0006"

BATCH = 500


def _added() -> list[sa.Column[Any]]:
    return [
        sa.Column("latest_version", sa.Text(), nullable=True),
        sa.Column("latest_at", packslip.db.UTCDateTime(), nullable=True),
        sa.Column("requires_python", sa.Text(), nullable=True),
        sa.Column("latest_yanked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("keywords", sa.Text(), server_default="", nullable=False),
        sa.Column("people", sa.Text(), server_default="", nullable=False),
    ]


_PACKAGES = sa.table(
    "packages",
    *(sa.column(name) for name in ("id", "name", "summary", "description")),
    *(sa.column(name) for name in ("author_name", "author_email", "license_id", "origin")),
    sa.column("created_at", packslip.db.UTCDateTime()),
    *(sa.column(column.name, column.type) for column in _added()),
)
_RELEASES = sa.table(
    "releases",
    *(sa.column(name) for name in ("id", "package_id", "version", "is_prerelease", "sort_key")),
    sa.column("yanked", sa.Boolean()),
    sa.column("created_at", packslip.db.UTCDateTime()),
    sa.column("metadata", sa.JSON()),
)
_FILES = sa.table(
    "files",
    *(sa.column(name) for name in ("release_id", "requires_python")),
    sa.column("uploaded_at", packslip.db.UTCDateTime()),
)
_ENTRIES = sa.table(
    "search_entries",
    *(sa.column(name) for name in ("id", "package_id", "compact", "license_id", "origin")),
    sa.column("latest_at", packslip.db.UTCDateTime()),
    sa.column("yanked", sa.Boolean()),
    sa.column("pythons", sa.BigInteger()),
)
_TRIGRAMS = sa.table("search_trigrams", sa.column("trigram"), sa.column("entry_id"))


def upgrade() -> None:
    for column in _added():
        op.add_column("packages", column)
    op.create_index(op.f("ix_packages_latest_at"), "packages", ["latest_at"])
    op.create_table(
        "search_entries",
        sa.Column("id", packslip.db.BigId, autoincrement=True, nullable=False),
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("compact", packslip.db.BytewiseText, nullable=False),
        sa.Column("latest_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column("license_id", sa.Text(), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("yanked", sa.Boolean(), nullable=False),
        sa.Column("pythons", sa.BigInteger(), nullable=False),
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
            name=op.f("fk_search_entries_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entries")),
        sa.UniqueConstraint("package_id", name=op.f("uq_search_entries_package_id")),
        sqlite_autoincrement=True,
    )
    for name in ("compact", "created_at", "latest_at"):
        op.create_index(op.f(f"ix_search_entries_{name}"), "search_entries", [name])
    op.create_table(
        "search_trigrams",
        sa.Column("trigram", packslip.db.BytewiseText, nullable=False),
        sa.Column("entry_id", packslip.db.BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["search_entries.id"],
            name=op.f("fk_search_trigrams_entry_id_search_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trigram", "entry_id", name=op.f("pk_search_trigrams")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_search_trigrams_entry_id"), "search_trigrams", ["entry_id"])
    if op.get_bind().dialect.name == "postgresql":
        _add_words_postgresql()
    else:
        _add_words_sqlite()
    _fill()


def downgrade() -> None:
    op.drop_table("search_words")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TEXT SEARCH CONFIGURATION packslip")
        op.execute("DROP TEXT SEARCH DICTIONARY packslip_english")
    op.drop_table("search_trigrams")
    op.drop_table("search_entries")
    op.drop_index(op.f("ix_packages_latest_at"), table_name="packages")
    for column in reversed(_added()):
        op.drop_column("packages", column.name)


def _add_words_sqlite() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE search_words USING fts5("
        "name, keywords, summary, people, description, tokenize = 'porter unicode61')"
    )
    # Rows of a virtual table cannot have foreign keys.
    op.execute(
        "CREATE TRIGGER search_entries_forget_words AFTER DELETE ON search_entries"
        " BEGIN DELETE FROM search_words WHERE rowid = old.id; END"
    )


def _add_words_postgresql() -> None:
    # As its own configuration for English, without the words that it leaves out: packages are
    # called "do" and "it", and FTS5 leaves none out either.
    op.execute(
        "CREATE TEXT SEARCH DICTIONARY packslip_english (TEMPLATE = snowball, LANGUAGE = english)"
    )
    op.execute("CREATE TEXT SEARCH CONFIGURATION packslip (COPY = pg_catalog.english)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION packslip"
        " ALTER MAPPING REPLACE english_stem WITH packslip_english"
    )
    op.execute(
        "CREATE TABLE search_words ("
        " id bigint CONSTRAINT pk_search_words PRIMARY KEY"
        " CONSTRAINT fk_search_words_id_search_entries REFERENCES search_entries ON DELETE CASCADE,"
        " name tsvector NOT NULL,"
        " title tsvector NOT NULL,"
        " description tsvector NOT NULL)"
        # Long descriptions go elsewhere, so that the rest is read in few pages.
        " WITH (toast_tuple_target = 512)"
    )
    for name in ("name", "title", "description"):
        op.execute(f"CREATE INDEX ix_search_words_{name} ON search_words USING gin ({name})")


def _fill() -> None:
    """Bring in what is there, some hundred packages at a time."""
    last = ""
    query = sa.select(_PACKAGES).order_by(_PACKAGES.c.id).limit(BATCH)
    while packages := op.get_bind().execute(query.where(_PACKAGES.c.id > last)).all():
        last = packages[-1].id
        _add(packages)


def _add(packages: Sequence[Any]) -> None:
    connection = op.get_bind()
    ids = [package.id for package in packages]
    latest, described = _latest(ids)
    files, usernames = _files([release.id for release in latest.values()]), _usernames(ids)
    told = {
        package.id: _told(package, latest.get(package.id), described.get(package.id), files)
        for package in packages
    }
    for package_id, values in told.items():
        connection.execute(
            sa.update(_PACKAGES).where(_PACKAGES.c.id == package_id).values(**values)
        )
    connection.execute(
        sa.insert(_ENTRIES),
        [
            {
                "package_id": package.id,
                "compact": search_texts.compact_name(package.id),
                "latest_at": told[package.id]["latest_at"] or package.created_at,
                "license_id": package.license_id,
                "origin": package.origin,
                "yanked": told[package.id]["latest_yanked"],
                "pythons": search_texts.python_bits(told[package.id]["requires_python"]),
            }
            for package in packages
        ],
    )
    entries = connection.execute(
        sa.select(_ENTRIES.c.package_id, _ENTRIES.c.id).where(_ENTRIES.c.package_id.in_(ids))
    )
    entry_ids = dict(entries.tuples().all())
    pieces = [
        {"trigram": trigram, "entry_id": entry_ids[package_id]}
        for package_id in ids
        for trigram in sorted(search_texts.trigrams(search_texts.compact_name(package_id)))
    ]
    connection.execute(sa.insert(_TRIGRAMS), pieces)
    connection.execute(
        sa.text(_WORDS[connection.dialect.name]),
        [
            {
                "id": entry_ids[package.id],
                "name": " ".join(search_texts.name_words(package.name)),
                "keywords": search_texts.plain_text(told[package.id]["keywords"]),
                "summary": search_texts.plain_text(package.summary),
                "people": search_texts.plain_text(
                    " ".join([told[package.id]["people"], *usernames[package.id]])
                ),
                "description": search_texts.plain_description(package.description),
            }
            for package in packages
        ],
    )


_WORDS = {
    "sqlite": "INSERT INTO search_words (rowid, name, keywords, summary, people, description)"
    " VALUES (:id, :name, :keywords, :summary, :people, :description)",
    "postgresql": "INSERT INTO search_words (id, name, title, description) VALUES (:id,"
    " to_tsvector('packslip', :name),"
    " setweight(to_tsvector('packslip', :name), 'A')"
    " || setweight(to_tsvector('packslip', :keywords), 'B')"
    " || setweight(to_tsvector('packslip', :summary), 'C')"
    " || setweight(to_tsvector('packslip', :people), 'D'),"
    " to_tsvector('packslip', :description))",
}


def _latest(packages: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The release that speaks for each package, and the one whose metadata does."""
    columns = (column for column in _RELEASES.c if column.name != "metadata")
    by_precedence = (
        sa.select(*columns)
        .where(_RELEASES.c.package_id.in_(packages))
        .order_by(
            _RELEASES.c.package_id,
            _RELEASES.c.yanked,
            _RELEASES.c.is_prerelease,
            _RELEASES.c.sort_key.desc(),
        )
    )
    releases: defaultdict[str, list[Any]] = defaultdict(list)
    for release in op.get_bind().execute(by_precedence):
        releases[release.package_id].append(release)
    latest = {package_id: found[0] for package_id, found in releases.items()}
    described: dict[str, Any] = {}
    while releases:
        # One step is enough for nearly all: reading the metadata of all releases takes long.
        ids = [found[0].id for found in releases.values()]
        query = sa.select(_RELEASES.c.id, _RELEASES.c.package_id, _RELEASES.c.metadata)
        for release in op.get_bind().execute(query.where(_RELEASES.c.id.in_(ids))):
            rest = releases.pop(release.package_id)[1:]
            if release.metadata:
                described[release.package_id] = release
            elif rest:
                releases[release.package_id] = rest
    return latest, described


def _told(
    package: Any, latest: Any, described: Any, files: dict[int, tuple[Any, Any]]
) -> dict[str, Any]:
    metadata = described.metadata if described else {}
    names = ("author", "author_email", "maintainer", "maintainer_email")
    people = [metadata.get(name) for name in names]
    if not metadata:
        people = [package.author_name, package.author_email]
    texts = {
        "keywords": ", ".join(metadata.get("keywords") or ()),
        "people": ", ".join(text for text in people if text),
    }
    if latest is None:
        nothing = dict.fromkeys(("latest_version", "latest_at", "requires_python"))
        return {**texts, **nothing, "latest_yanked": False}
    first_at, requires_python = files.get(latest.id, (None, None))
    return {
        **texts,
        "latest_version": latest.version,
        "latest_at": first_at or latest.created_at,
        "requires_python": requires_python
        or (metadata.get("requires_python") if described and described.id == latest.id else None),
        "latest_yanked": latest.yanked,
    }


def _files(releases: list[int]) -> dict[int, tuple[Any, Any]]:
    """When the first file of each release came, and which Python its files ask for."""
    query = (
        sa.select(
            _FILES.c.release_id,
            sa.func.min(_FILES.c.uploaded_at),
            sa.func.max(_FILES.c.requires_python),
        )
        .where(_FILES.c.release_id.in_(releases))
        .group_by(_FILES.c.release_id)
    )
    return {release: (at, requires) for release, at, requires in op.get_bind().execute(query)}


def _usernames(packages: list[str]) -> defaultdict[str, list[str]]:
    maintainers = sa.table("maintainers", sa.column("user_id"), sa.column("package_id"))
    users = sa.table("users", sa.column("id"), sa.column("username"))
    query = (
        sa.select(maintainers.c.package_id, users.c.username)
        .join_from(maintainers, users, maintainers.c.user_id == users.c.id)
        .where(maintainers.c.package_id.in_(packages))
        .order_by(users.c.username)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for package_id, username in op.get_bind().execute(query):
        found[package_id].append(username)
    return found
