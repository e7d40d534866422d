"""Tables whose rows the database itself keeps from being changed, for migrations."""

from __future__ import annotations

from sqlalchemy import Connection


def make_append_only(connection: Connection, table: str, days: int) -> None:
    """Let a migration have the database refuse changes of the table's rows, whoever asks for them.

    Rows are never updated, and deleted only once their `created_at` is so many days past.
    A migration that lets SQLite copy the table has to call this again.
    """
    refusal = f"rows of {table} are never changed, and kept for {days} days"
    for statement in _GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement.format(table=table, days=days, refusal=refusal))


def make_changeable(connection: Connection, table: str) -> None:
    """Undo `make_append_only`."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"DROP TRIGGER {table}_no_update")
        connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
    else:
        connection.exec_driver_sql(f"DROP FUNCTION {table}_guard() CASCADE")


_GUARDS = {
    "sqlite": (
        """
        CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
        BEGIN SELECT RAISE(ABORT, '{refusal}'); END
        """,
        """
        CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
        WHEN old.created_at > strftime('%Y-%m-%d %H:%M:%f', 'now', '-{days} days')
        BEGIN SELECT RAISE(ABORT, '{refusal}'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND old.created_at < clock_timestamp() - interval '{days} days'
            THEN RETURN old; END IF;
            RAISE EXCEPTION '{refusal}';
        END $$
        """,
        """
        CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION {table}_guard()
        """,
    ),
}
