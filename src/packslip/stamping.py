"""Stamps that the database itself changes with whatever a package's pages rest on, for migrations.

Whoever keeps a finished page keeps the stamp of that moment with it, and looks at it again before
the page is used. The database sees to it in the transaction that changes a row, so that no code
can forget it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, inspect

#: Stands for all packages.
EVERY_PACKAGE = "*"


@dataclass(frozen=True)
class Stamped:
    """A table that pages rest on."""

    #: The key of a row.
    row_key: str
    #: The columns that pages show.
    columns: Sequence[str]
    #: SQL for the package of `{row}`.
    package: str


TABLES: Mapping[str, Stamped] = {
    "packages": Stamped(
        "id", ("origin", "status", "status_reason", "acts_until", "serial"), "{row}.id"
    ),
    "releases": Stamped(
        "id",
        ("package_id", "version", "sort_key", "yanked", "yanked_reason", "held_reason"),
        "{row}.package_id",
    ),
    "files": Stamped(
        "id",
        (
            "release_id",
            "filename",
            "size",
            "sha256",
            "requires_python",
            "uploaded_at",
            "metadata_sha256",
            "metadata_is_static",
            "storage_key",
            "url",
        ),
        "(SELECT package_id FROM releases WHERE releases.id = {row}.release_id)",
    ),
    "mirror_files": Stamped(
        "file_id",
        ("digests", "dated", "yanked", "provenance", "metadata_kept", "vanished_at", "refused"),
        "(SELECT releases.package_id FROM releases JOIN files ON files.release_id = releases.id"
        " WHERE files.id = {row}.file_id)",
    ),
    "attestations": Stamped(
        "file_id",
        ("verified_at",),
        "(SELECT releases.package_id FROM releases JOIN files ON files.release_id = releases.id"
        " WHERE files.id = {row}.file_id)",
    ),
    "mirror_pages": Stamped(
        "package_id",
        ("state", "upstream", "checked_at", "failed_at", "failure"),
        "{row}.package_id",
    ),
    "mirror_rule_states": Stamped("id", ("token",), f"'{EVERY_PACKAGE}'"),
    "notes": Stamped(
        "id",
        (
            "title",
            "visibility",
            "package_id",
            "version_range",
            "act",
            "expires_at",
            "lifted_at",
            "archived",
            "deleted_at",
        ),
        "{row}.package_id",
    ),
    "acts": Stamped(
        "note_id",
        ("package_id", "version_range", "act", "title", "expires_at"),
        "{row}.package_id",
    ),
}


def stamp_changes(connection: Connection, table: str) -> None:
    """Let a migration have the database stamp changes of the table, which is one of `TABLES`."""
    statements = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgresql
    for statement in statements(table, TABLES[table]):
        connection.exec_driver_sql(statement)


def mend_stamping(connection: Connection) -> None:
    """Have all tables stamped again after migrations, of which some may have let SQLite copy some.

    A copy has no triggers. Nothing happens while there are no stamps.
    """
    if connection.dialect.name == "sqlite" and inspect(connection).has_table("page_stamps"):
        # An older schema has not all of them yet.
        for table in TABLES.keys() & {*inspect(connection).get_table_names()}:
            stamp_changes(connection, table)


def stop_stamping(connection: Connection, table: str) -> None:
    """Undo `stamp_changes`."""
    if connection.dialect.name == "sqlite":
        for operation in _OPERATIONS:
            connection.exec_driver_sql(f"DROP TRIGGER {table}_{operation}_stamp")
    else:
        connection.exec_driver_sql(f"DROP FUNCTION stamp_{table}() CASCADE")


_OPERATIONS = ("insert", "update", "delete")

#: Stamps what `{packages}` selects as `package`.
_STAMP = """
INSERT INTO page_stamps (package_id, stamp)
SELECT DISTINCT package, 1 FROM ({packages}) AS changed WHERE package IS NOT NULL ORDER BY 1
ON CONFLICT (package_id) DO UPDATE SET stamp = page_stamps.stamp + 1;
"""


def _on_sqlite(table: str, stamped: Stamped) -> list[str]:
    before, after = (
        f"SELECT {stamped.package.format(row=row)} AS package" for row in ("old", "new")
    )
    selected = {"insert": after, "update": f"{before} UNION {after}", "delete": before}
    when = {"update": f"UPDATE OF {', '.join(stamped.columns)}"}
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_{operation}_stamp"
        f" AFTER {when.get(operation, operation)} ON {table}"
        f" BEGIN {_STAMP.format(packages=selected[operation])} END"
        for operation in _OPERATIONS
    ]


def _on_postgresql(table: str, stamped: Stamped) -> list[str]:
    # For each statement, not for each row: upstream's page may bring thousands of files at once.
    before, after = (
        f"SELECT {stamped.package.format(row=rows)} AS package FROM {rows}"  # noqa: S608
        for rows in ("old_rows", "new_rows")
    )
    old, new = (
        f"ROW({', '.join(f'{rows}.{column}::text' for column in stamped.columns)})"
        for rows in ("old_rows", "new_rows")
    )
    changed = f"JOIN {{rows}} USING ({stamped.row_key}) WHERE {old} IS DISTINCT FROM {new}"
    update = " UNION ".join(
        (
            f"{before} {changed.format(rows='new_rows')}",
            f"{after} {changed.format(rows='old_rows')}",
        )
    )
    function = f"""
    CREATE FUNCTION stamp_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN {_STAMP.format(packages=after)}
        ELSIF TG_OP = 'UPDATE' THEN {_STAMP.format(packages=update)}
        ELSE {_STAMP.format(packages=before)}
        END IF;
        RETURN NULL;
    END $$
    """
    seen = {
        "insert": "NEW TABLE AS new_rows",
        "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "delete": "OLD TABLE AS old_rows",
    }
    triggers = [
        f"CREATE TRIGGER {table}_{operation}_stamp AFTER {operation} ON {table}"
        f" REFERENCING {seen[operation]} FOR EACH STATEMENT EXECUTE FUNCTION stamp_{table}()"
        for operation in _OPERATIONS
    ]
    return [function, *triggers]
