from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, delete, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.databases import PostgresDatabases, SQLiteDatabases
from tests.helpers.schema import Rows, fill, rows

from packslip import moving
from packslip.accounts.models import User
from packslip.connecting import engine_options
from packslip.db import db
from packslip.moving.rows import (
    DERIVED,
    DifferentRowsError,
    NotEmptyError,
    UnstorableRowError,
    carried_tables,
    carry,
    closed_for_writing,
    compare,
    count_rows,
    finish,
    prepare,
)
from packslip.packages.models import Package


@pytest.fixture
def others(
    sqlite_databases: SQLiteDatabases, postgres_databases: PostgresDatabases, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """A database of each kind to carry rows into."""
    folder = tmp_path / "other"
    folder.mkdir()
    url = postgres_databases.create()
    yield {"sqlite": sqlite_databases.create(folder), "postgresql": url}
    postgres_databases.drop(url)


@contextmanager
def opened(folder: Path, url: str) -> Iterator[Engine]:
    """The engine as an application has it."""
    app = make_app(folder, url)
    with app.app_context():
        yield db.engine
        db.engine.dispose()


def contents(engine: Engine) -> Rows:
    with Session(engine) as session:
        return rows(session, without=tuple(DERIVED))


def carry_all(source: Engine, target: Engine) -> int:
    prepare(target)
    advanced = []
    with closed_for_writing(source) as connection:
        total = count_rows(connection)
        for table in carried_tables():
            carry(connection, target, table, advanced.append)
        found = [
            compare(connection, target, table, lambda number: None) for table in carried_tables()
        ]
        finish(connection, target)
    assert sum(advanced) == total
    return sum(content.rows for content in found)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_all_rows_arrive_as_they_are_whatever_the_databases(
    session: Session, others: dict[str, str], tmp_path: Path, kind: str
) -> None:
    fill(session)
    session.close()
    before = contents(db.engine)
    source = db.engine
    with opened(tmp_path, others[kind]) as target:
        number = carry_all(source, target)
        assert contents(target) == before
        assert number == sum(map(len, before.values())) > 40


def test_numbers_of_rows_that_are_gone_are_not_given_again(
    session: Session, others: dict[str, str], tmp_path: Path
) -> None:
    session.add_all(User(username=f"u{n}", email=f"u{n}@example.com") for n in range(5))
    session.commit()
    last = session.scalar(select(func.max(User.id)))
    session.execute(delete(User).where(User.id == last))
    session.commit()
    source = db.engine
    for url in others.values():
        with opened(tmp_path, url) as target:
            carry_all(source, target)
            with Session(target) as there, there.begin():
                ada = User(username="ada", email="ada@example.com")
                there.add(ada)
                there.flush()
                assert ada.id == (last or 0) + 1


def test_what_was_broken_off_is_gone_on_with(
    session: Session, others: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session)
    session.add_all(User(username=f"u{n}", email=f"u{n}@example.com") for n in range(10))
    session.commit()
    session.close()
    monkeypatch.setattr(moving.rows, "BATCH", 3)
    before = contents(db.engine)
    source = db.engine
    with opened(tmp_path, others["sqlite"]) as target:
        prepare(target)
        carried: list[int] = []

        def advance(number: int) -> None:
            carried.append(number)
            if len(carried) == 5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), closed_for_writing(source) as connection:
            for table in carried_tables():
                carry(connection, target, table, advance)
        assert contents(target) != before
        prepare(target)
        with closed_for_writing(source) as connection:
            for table in carried_tables():
                carry(connection, target, table, lambda number: None)
                compare(connection, target, table, lambda number: None)
            finish(connection, target)
        assert contents(target) == before


def test_a_database_that_is_in_use_is_left_alone(
    session: Session, others: dict[str, str], tmp_path: Path
) -> None:
    for url in others.values():
        with opened(tmp_path, url) as target:
            with Session(target) as there, there.begin():
                there.add(User(username="bob", email="bob@example.com"))
            with pytest.raises(NotEmptyError):
                prepare(target)
            with Session(target) as there:
                assert there.scalar(select(User.username)) == "bob"


def test_what_changed_since_the_last_attempt_is_noticed(
    session: Session, others: dict[str, str], tmp_path: Path
) -> None:
    session.add(User(username="ada", email="ada@example.com"))
    session.commit()
    source = db.engine
    users = User.__table__
    with opened(tmp_path, others["sqlite"]) as target:
        prepare(target)
        with closed_for_writing(source) as connection:
            carry(connection, target, users, lambda number: None)  # type: ignore[arg-type]
        ada = session.scalars(select(User)).one()
        ada.email = "ada@example.org"
        session.commit()
        with (
            closed_for_writing(source) as connection,
            pytest.raises(DifferentRowsError, match="users"),
        ):
            compare(connection, target, users, lambda number: None)  # type: ignore[arg-type]


def test_nobody_writes_and_everybody_reads_meanwhile(session: Session, app: object) -> None:
    session.add(Package(id="demo", name="demo", origin="hosted"))
    session.commit()
    session.close()
    url = db.engine.url.render_as_string(hide_password=False)
    options = engine_options(url)
    if db.engine.dialect.name == "sqlite":
        options["connect_args"] = {"timeout": 0}
    hasty = create_engine(url, **options)
    with closed_for_writing(db.engine), hasty.connect() as other:
        assert other.scalar(select(Package.name)) == "demo"
        if other.dialect.name == "postgresql":
            other.exec_driver_sql("SET lock_timeout = 100")
        with pytest.raises(OperationalError):
            other.execute(delete(Package))
    hasty.dispose()


def test_a_row_that_cannot_be_stored_is_named_with_its_table(
    others: dict[str, str], sqlite_databases: SQLiteDatabases, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    with opened(tmp_path, sqlite_databases.create(tmp_path / "old")) as source:
        with Session(source) as session, session.begin():
            session.add(Package(id="demo", name="de\0mo", origin="hosted"))
        with opened(tmp_path, others["postgresql"]) as target:
            prepare(target)
            with (
                closed_for_writing(source) as connection,
                pytest.raises(UnstorableRowError, match="the table packages"),
            ):
                carry(connection, target, Package.__table__, lambda number: None)  # type: ignore[arg-type]
