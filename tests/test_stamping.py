"""The database stamps whatever pages rest on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql import visitors
from tests.helpers.schema import fill

from packslip import all_models
from packslip.db import Base
from packslip.index.held_files import held_file
from packslip.index.queries import package_page, with_notes
from packslip.packages.stamps import stamp_of
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.stamping import EVERY_PACKAGE, TABLES

NAME = normalize_name("demo")

#: Values that no row has before.
NEW_VALUES: dict[str, Any] = {
    "String": "other",
    "Text": "other",
    "Integer": 4711,
    "BigInteger": 4711,
    "UTCDateTime": datetime(2027, 1, 1, tzinfo=UTC),
    "JSON": {"md5": "0" * 32},
}


@pytest.fixture
def filled(session: Session) -> Session:
    fill(session)
    return session


def the_row(session: Session, table: str) -> Any:
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
    return session.query(models[table]).order_by(*inspect(models[table]).primary_key).first()


def rows_of(table: str) -> list[str]:
    return [f"{table}.{column}" for column in TABLES[table].columns]


@pytest.mark.parametrize("table", TABLES)
def test_a_change_of_what_pages_show_changes_the_stamp(filled: Session, table: str) -> None:
    row = the_row(filled, table)
    new_package = all_models.Package(id="other", name="other")
    new_release = all_models.Release(
        package=new_package, version="2.0", canonical_version="2", sort_key="2", core_metadata={}
    )
    filled.add(new_release)
    filled.flush()
    # What leaves a package comes last.
    for column in sorted(TABLES[table].columns, key=lambda name: name.endswith("_id")):
        kind = type(Base.metadata.tables[table].c[column].type).__name__
        value = NEW_VALUES.get(kind, not getattr(row, column))
        value = {"package_id": "other", "release_id": new_release.id}.get(column, value)
        before = stamp_of(filled, NAME)
        setattr(row, column, value)
        filled.flush()
        assert stamp_of(filled, NAME) > before, column


@pytest.mark.parametrize("table", [table for table in TABLES if table != "packages"])
def test_a_row_that_goes_or_comes_changes_the_stamp(filled: Session, table: str) -> None:
    row = the_row(filled, table)
    values = {
        column.key: getattr(row, column.key)
        for column in inspect(type(row)).column_attrs
        if column.key != "updated_at"
    }
    before = stamp_of(filled, NAME)
    filled.delete(row)
    filled.flush()
    without = stamp_of(filled, NAME)
    filled.add(type(row)(**values))
    filled.flush()
    assert before < without < stamp_of(filled, NAME)


def test_a_package_that_comes_again_has_a_later_stamp(filled: Session) -> None:
    before = stamp_of(filled, NAME)
    filled.delete(filled.get_one(all_models.Package, NAME))
    filled.commit()
    filled.add(all_models.Package(id=NAME, name="Demo"))
    filled.commit()
    assert stamp_of(filled, NAME) > before


def test_what_is_said_of_one_package_leaves_others_alone(filled: Session) -> None:
    filled.add(all_models.Package(id="other", name="other"))
    filled.commit()
    before = stamp_of(filled, "other")
    filled.get_one(all_models.Package, NAME).serial = 4711
    filled.commit()
    assert stamp_of(filled, "other") == before
    the_row(filled, "mirror_rule_states").token = "c" * 32
    filled.commit()
    assert stamp_of(filled, "other") > before


@pytest.fixture
def columns_read(session: Session) -> Iterator[set[str]]:
    """Columns of the tables that are stamped, as they are read, each with its table."""
    read: set[str] = set()

    def note(state: ORMExecuteState) -> None:
        for element in visitors.iterate(state.statement):
            table = getattr(getattr(element, "table", None), "name", None)
            if element.__visit_name__ == "column" and table in TABLES:
                read.add(f"{table}.{element.name}")  # type: ignore[attr-defined]

    event.listen(session, "do_orm_execute", note)
    yield read
    event.remove(session, "do_orm_execute", note)


def test_no_column_that_pages_show_is_left_out(filled: Session, columns_read: set[str]) -> None:
    file = the_row(filled, "files")
    file.storage_key, file.sha256 = "key", "0" * 64
    filled.commit()
    with_notes(filled, package_page(filled, NAME), None, "https://packslip.example.com")
    held_file(filled, "0" * 64, file.filename)
    stamped = {column for table in TABLES for column in rows_of(table)}
    keys = {f"{table}.{stamped.row_key}" for table, stamped in TABLES.items()}
    # Of when a file was used last nothing is shown, and of who wrote a note nothing but that.
    unshown = {"mirror_files.used_at", "notes.user_id"}
    assert {"files.sha256", "notes.title"} <= columns_read
    assert columns_read - keys - unshown <= stamped


def test_what_holds_for_every_package_has_a_name_that_no_package_can_have() -> None:
    with pytest.raises(InvalidPackageNameError):
        normalize_name(EVERY_PACKAGE)
