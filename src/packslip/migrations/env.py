"""Runs the migrations on the application's database."""

from __future__ import annotations

import itertools
import time
from typing import Any, Literal

from alembic import context
from alembic.script import Script
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from packslip import all_models  # noqa: F401 - the tables are known once their models are imported
from packslip.db import Base, BigId, BytewiseText, UTCDateTime, tables_being_copied, utc_now
from packslip.db_failures import is_busy
from packslip.downloads.partitions import is_partition
from packslip.packages.search_index import is_index_table
from packslip.schema import note_what_it_works_with
from packslip.schema_changes import lock_tables_briefly, migrating_alone
from packslip.stamping import mend_stamping

#: How often a table is tried to be locked, and the seconds between two tries.
MOST_TRIES = 30
PAUSE = 2.0


def leave_out_empty_revision(migration: Any, revision: Any, directives: list[Any]) -> None:
    migrating = getattr(context.config.cmd_opts, "autogenerate", False)
    if migrating and directives[0].upgrade_ops.is_empty():
        directives.clear()
        print("The models and the schema agree: nothing to migrate.")  # noqa: T201


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write what `packslip.db` has for both databases, not what one of them compiles it to."""
    if kind == "server_default" and isinstance(getattr(item, "arg", None), utc_now):
        return "packslip.db.utc_now()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "packslip.db.UTCDateTime()"
    if kind == "type" and item is BytewiseText:
        return "packslip.db.BytewiseText"
    if kind == "type" and item is BigId:
        return "packslip.db.BigId"
    return False


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Leave alone what has no model: the tables of the search index, and parts of tables."""
    return kind != "table" or not (is_index_table(name) or is_partition(name))


def run(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        include_name=include_name,
        process_revision_directives=leave_out_empty_revision,
        transactional_ddl=True,
        # Locks of tables end with each. SQLite has but one lock, and undoes all if one fails.
        transaction_per_migration=not is_sqlite,
        render_as_batch=is_sqlite,
    )
    with context.begin_transaction():
        context.run_migrations()
        mend_stamping(connection)
    connection.rollback()
    with connection.begin():
        note_what_it_works_with(connection, oldest_that_works())


def oldest_that_works() -> str:
    """The oldest revision whose version of Packslip can use what there is now."""
    reached = context.get_context().get_current_heads()
    passed = context.script.iterate_revisions(reached, "base") if reached else []
    return max((oldest_of(script) for script in passed), default="")


def oldest_of(script: Script) -> str:
    return str(getattr(script.module, "works_with", script.revision))


engine = current_app.extensions["migrate"].db.engine
with migrating_alone(engine):
    for tries in itertools.count(1):
        try:
            with engine.connect() as connection, tables_being_copied(connection):
                if connection.dialect.name == "postgresql":
                    lock_tables_briefly(connection)
                run(connection)
            break
        except DBAPIError as error:
            # Somebody used a table for long. What is done so far is done.
            if connection.dialect.name == "sqlite" or not is_busy(error) or tries == MOST_TRIES:
                raise
            time.sleep(PAUSE)
