"""Runs the migrations on the application's database."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from packslip import all_models  # noqa: F401 - the tables are known once their models are imported
from packslip.db import Base, BigId, BytewiseText, UTCDateTime, tables_being_copied, utc_now
from packslip.packages.search_index import is_index_table
from packslip.stamping import mend_stamping


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
    """Leave alone what has no model: the tables of the search index."""
    return kind != "table" or not is_index_table(name)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        include_name=include_name,
        process_revision_directives=leave_out_empty_revision,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
        mend_stamping(connection)


with (
    current_app.extensions["migrate"].db.engine.connect() as connection,
    tables_being_copied(connection),
):
    run(connection)
