"""The column types and transactions."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session
from tests.helpers.processes import own_environment

from packslip.accounts.models import User
from packslip.db import add_if_new, db, write_transaction
from packslip.packages.models import License, Maintainer
from packslip.upgrading import schema_revisions


def test_a_naive_time_is_refused(session: Session) -> None:
    session.add(User(username="ada", last_login=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(StatementError, match="without a timezone"):
        session.flush()


def test_a_time_comes_back_in_utc(session: Session) -> None:
    moment = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
    session.add(User(username="ada", last_login=moment))
    session.commit()
    found = session.scalars(select(User.last_login)).one()
    assert found == moment
    assert found.tzinfo == UTC


def test_the_database_sets_created_at(session: Session) -> None:
    before = datetime.now(UTC)
    session.add(User(username="ada"))
    session.commit()
    created_at = session.scalars(select(User.created_at)).one()
    assert abs(created_at - before) < timedelta(minutes=1)
    assert created_at.tzinfo == UTC


@pytest.mark.parametrize("way", ["object", "statement"])
def test_updated_at_moves_with_every_update(session: Session, way: str) -> None:
    user = User(username="ada")
    session.add(user)
    session.commit()
    seen = [user.updated_at]
    for name in ("Ada", "Ada L", "Ada Lovelace"):
        # SQLite's clock has milliseconds.
        deadline = datetime.now(UTC) + timedelta(milliseconds=2)
        while datetime.now(UTC) < deadline:
            pass
        if way == "object":
            user.name = name
        else:
            session.execute(update(User).values(name=name))
        session.commit()
        session.expire_all()
        seen.append(user.updated_at)
    assert seen == sorted(set(seen))


def test_foreign_keys_are_enforced(session: Session) -> None:
    session.add(Maintainer(user_id=1, package_id="nobody-has-this"))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_failed_write_leaves_nothing(session: Session) -> None:
    with pytest.raises(RuntimeError, match="oh"), write_transaction(session):
        session.add(User(username="ada"))
        session.flush()
        raise RuntimeError("oh")
    assert session.scalars(select(User)).all() == []


def test_writers_that_read_first_wait_for_each_other(app: Flask) -> None:
    def add_ten(number: int) -> None:
        with app.app_context():
            session = db.session()
            for turn in range(10):
                with write_transaction(session):
                    count = len(session.scalars(select(User.id)).all())
                    session.add(User(username=f"user-{number}-{turn}-{count}"))

    threads = [threading.Thread(target=add_ten, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(db.session().scalars(select(User.id)).all()) == 40


def test_changes_outside_of_a_write_transaction_are_refused(session: Session) -> None:
    session.add(User(username="ada"))
    with pytest.raises(RuntimeError, match="outside"), write_transaction(session):
        pass


def test_a_row_is_added_unless_there_is_one_like_it(session: Session) -> None:
    with write_transaction(session):
        assert add_if_new(session, License(id="MIT", description="first"))
        assert not add_if_new(session, License(id="MIT", description="second"))
        assert add_if_new(session, License(id="ISC"))
    assert session.get_one(License, "MIT").description == "first"
    assert session.get(License, "ISC") is not None


def test_what_migrates_is_loaded_only_when_there_is_something_to_migrate(tmp_path: Path) -> None:
    ask = (
        "import sys; from packslip.app import create_app; from packslip import upgrading;"
        " app = create_app(); app.app_context().push(); upgrading.upgrade_schema();"
        " print('alembic' in sys.modules, *upgrading.schema_revisions())"
    )
    environment = own_environment(tmp_path, PACKSLIP_DATA=str(tmp_path / "data"))
    first, second = (
        subprocess.run(
            [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    )
    assert first[0] == "True"
    assert second[0] == "False"
    assert first[1:] == second[1:]


def test_the_newest_revision_is_that_of_the_migrations(app: Flask) -> None:
    scripts = ScriptDirectory(current_app.extensions["migrate"].directory)
    assert schema_revisions() == (scripts.get_current_head(), scripts.get_current_head())
