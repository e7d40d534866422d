"""The code that makes the first admin."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app

from packslip.accounts import setup
from packslip.accounts.models import Role, SetupCode, User
from packslip.accounts.operations import UsernameTakenError
from packslip.db import db, write_transaction
from packslip.events.models import Action, Event


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application that is not set up."""
    app = make_app(tmp_path, database_url, set_up=False)
    with app.app_context():
        yield app


def folder(parent: Path, name: str) -> Path:
    """The data folder of a node."""
    path = parent / name
    path.mkdir()
    return path


def provide(session: Session, data: Path) -> str:
    with write_transaction(session):
        return setup.provide_code(session, data)


def make_admin(session: Session, code: str, username: str = "ada") -> User:
    with write_transaction(session):
        return setup.make_first_admin(
            session,
            ACTOR,
            code=code,
            username=username,
            email=f"{username}@example.com",
            name="",
            hashed_password="$argon2id$",
        )


def count(session: Session, model: type[User | SetupCode]) -> int:
    session.rollback()
    return session.query(model).count()


def test_the_first_admin_is_made_once(session: Session, tmp_path: Path) -> None:
    code, other = provide(session, folder(tmp_path, "one")), provide(session, folder(tmp_path, "2"))
    assert not setup.is_set_up(session)
    user = make_admin(session, code)
    assert (user.role, user.email_confirmed_at) == (Role.ADMIN, None)
    assert setup.is_set_up(session)
    assert count(session, SetupCode) == 0
    for used in (code, other, "wrong"):
        with pytest.raises(setup.AlreadySetUpError):
            make_admin(session, used, "grace")
    assert count(session, User) == 1
    event = session.query(Event).filter_by(action=Action.SITE_SET_UP).one()
    assert (event.actor_name, event.subject_id) == (ACTOR.name, user.id)
    assert code not in str([event.data for event in session.query(Event)])


@pytest.mark.parametrize("code", ["", "wrong", "0" * 25, "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", "\ud800"])
def test_a_wrong_code_makes_nobody_and_says_nothing_else(
    session: Session, tmp_path: Path, code: str
) -> None:
    provide(session, tmp_path)
    make_user(session, "ada")  # known from an import, without a password
    with pytest.raises(setup.WrongSetupCodeError) as refused:
        make_admin(session, code, "ada")
    assert refused.value.reason == setup.WrongSetupCodeError().reason
    assert count(session, User) == 1
    assert not setup.is_set_up(session)


def test_a_refused_admin_leaves_the_code_valid(session: Session, tmp_path: Path) -> None:
    code = provide(session, tmp_path)
    make_user(session, "ada")
    with pytest.raises(UsernameTakenError):
        make_admin(session, code, "ada")
    assert make_admin(session, code, "grace").id


def test_of_many_at_once_exactly_one_becomes_admin(app: Flask, tmp_path: Path) -> None:
    number = 6
    codes = [provide(db.session(), folder(tmp_path, str(node))) for node in range(number)]
    db.session.remove()
    start = Barrier(number)

    def attempt(who: int) -> str:
        with app.app_context():
            db.session().connection()
            start.wait()
            try:
                return make_admin(db.session(), codes[who], f"user-{who}").username
            except setup.AlreadySetUpError:
                return ""
            finally:
                db.session.remove()

    with ThreadPoolExecutor(number) as pool:
        made = [name for name in pool.map(attempt, range(number)) if name]
    assert len(made) == 1
    assert [user.username for user in db.session().query(User)] == made


def test_a_code_stays_the_same_while_it_is_valid(session: Session, tmp_path: Path) -> None:
    code = provide(session, tmp_path)
    path = tmp_path / setup.CODE_FILE
    assert provide(session, tmp_path) == code
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert count(session, SetupCode) == 1
    path.write_text("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\n")  # of another database
    assert setup.hash_code(provide(session, tmp_path)) == setup.hash_code(path.read_text())
    assert count(session, SetupCode) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    setup.remove_code_file(tmp_path)
    setup.remove_code_file(tmp_path)
    assert not path.exists()


def test_once_set_up_nothing_is_asked(session: Session) -> None:
    make_user(session, "ada", hashed_password="$argon2id$")
    assert setup.is_set_up(session)
    session.query(User).delete()
    session.commit()
    assert setup.is_set_up(session)


def test_the_file_cannot_be_kept(session: Session, tmp_path: Path) -> None:
    with pytest.raises(setup.CodeFileError) as refused:
        provide(session, tmp_path / "missing")
    assert str(tmp_path) not in refused.value.reason
    assert count(session, SetupCode) == 0


def test_a_code_may_be_typed_as_it_is_read() -> None:
    codes = [setup.new_code() for _ in range(100)]
    for code in codes:
        typed = code.replace("0", "o").replace("1", "l").lower().replace("-", " ")
        assert setup.hash_code(typed) == setup.hash_code(code)
        assert 5 * len(code.replace("-", "")) >= 120
    assert len(set(map(setup.hash_code, codes))) == len(codes)
