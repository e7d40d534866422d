"""The one place where the passwords of people are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.hashing import hash_cheaply

from packslip.accounts import identity, passwords, queries, verified
from packslip.accounts.identity import (
    SecondFactorNeededError,
    Through,
    WrongCredentialsError,
    check_password,
    confirm,
    identify,
)
from packslip.accounts.models import SecurityKey, Throttle, User
from packslip.accounts.passwords import hash_password
from packslip.accounts.throttle import TooManyFailuresError
from packslip.db import db, write_transaction
from packslip.events.models import Event

PASSWORD = "correct horse battery"
WRONG = "a wrong password"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    hash_cheaply(monkeypatch)
    verified.forget_all()
    yield
    verified.forget_all()


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, "ada", hashed_password=hash_password(PASSWORD))


def disable(session: Session, user: User) -> None:
    with write_transaction(session):
        user.disabled_at = datetime.now(UTC)


def failures(session: Session) -> list[Event]:
    session.rollback()
    statement = select(Event).where(Event.action == "user.log-in-fail").order_by(Event.id)
    return list(session.scalars(statement))


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All that is done: statements, and checks with the parameters of the hash."""
    done: list[str] = []
    verify = PasswordHasher.verify

    def checked(self: PasswordHasher, hashed: str, password: bytes) -> bool:
        done.append(hashed.rsplit("$", 2)[0])
        return verify(self, hashed, password)

    def executed(connection: Any, cursor: Any, statement: str, *arguments: Any) -> None:
        if not statement.startswith("BEGIN"):
            done.append(statement)

    with monkeypatch.context() as patch:
        patch.setattr(PasswordHasher, "verify", checked)
        event.listen(db.engine, "before_cursor_execute", executed)
        try:
            yield done
        finally:
            event.remove(db.engine, "before_cursor_execute", executed)


@pytest.mark.parametrize("name", ["ada", "ADA ", "ada@example.com", "Ada@Example.com"])
def test_a_name_or_an_address_and_the_password_give_the_user(
    session: Session, ada: User, name: str
) -> None:
    assert check_password(session, name, PASSWORD, "192.0.2.1") is ada
    assert check_password(session, ada, PASSWORD, None) is ada


@pytest.mark.parametrize("through", Through)
def test_who_cannot_log_in_costs_the_same_work_and_gets_the_same_answer(
    session: Session, ada: User, monkeypatch: pytest.MonkeyPatch, through: Through
) -> None:
    make_user(session, "imported")
    disable(session, make_user(session, "gone", hashed_password=hash_password(PASSWORD)))
    attempts = {
        "ada": WRONG,
        "ADA@example.com": WRONG,
        "imported": PASSWORD,
        "gone": PASSWORD,
        "nobody": PASSWORD,
        "nobody@example.com": PASSWORD,
        "no\0body": PASSWORD,
    }
    work, answers = [], set()
    for number, (name, password) in enumerate(attempts.items()):
        with watched(monkeypatch) as done, pytest.raises(WrongCredentialsError) as error:
            check_password(session, name, password, f"192.0.2.{number}", through=through)
        # What finds the user is one look-up by whatever was typed.
        work.append([entry.partition("\nWHERE ")[0] for entry in done])
        answers.add(error.value.reason)
    assert len(answers) == 1
    assert all(entries == work[0] for entries in work)
    assert sum(entry.startswith("$argon2id") for entry in work[0]) == 1
    assert sum(entry.startswith("INSERT INTO events") for entry in work[0]) == 1


def test_a_failure_is_an_event_that_names_only_who_is_known(session: Session, ada: User) -> None:
    for name in ("Ada", PASSWORD):
        with pytest.raises(WrongCredentialsError):
            check_password(session, name, WRONG, "192.0.2.1")
    with pytest.raises(WrongCredentialsError):
        identify(session, basic("ada", WRONG), ip_address="192.0.2.1")
    known, unknown, by_tool = failures(session)
    assert (known.subject_id, known.data) == (ada.id, {"username": "ada", "through": "form"})
    assert (unknown.subject_id, unknown.data) == (None, {"username": None, "through": "form"})
    assert by_tool.data == {"username": "ada", "through": "tool"}
    assert {event.ip_address for event in (known, unknown, by_tool)} == {"192.0.2.1"}
    assert {event.actor_id for event in (known, unknown, by_tool)} == {None}


def test_while_one_has_to_wait_nothing_is_checked_or_counted(
    session: Session, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        with pytest.raises(WrongCredentialsError):
            check_password(session, "ada", WRONG, None)
    for password in (PASSWORD, WRONG):
        with watched(monkeypatch) as done, pytest.raises(TooManyFailuresError) as error:
            check_password(session, "ada", password, None)
        assert 0 < error.value.retry_after <= 5
        assert not [entry for entry in done if not entry.startswith("SELECT")]
    with pytest.raises(TooManyFailuresError):
        identify(session, basic("ada", PASSWORD))
    assert len(failures(session)) == 10


def test_a_right_password_ends_the_count(session: Session, ada: User) -> None:
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(WrongCredentialsError):
                check_password(session, "ada", WRONG, "192.0.2.1")
        assert check_password(session, "ada", PASSWORD, "192.0.2.1")
    # Of the network as well, it would let one who has an account try others' without end.
    assert session.scalars(select(Throttle.failures)).all() == [27]


def attempts_at_once(app: Flask, count: int, header: str) -> list[str]:
    """What becomes of attempts in as many threads: the names of the errors, or "passed"."""

    def attempt(_: int) -> str:
        with app.app_context():
            try:
                identify(db.session(), header, ip_address="192.0.2.1")
            except (WrongCredentialsError, TooManyFailuresError) as error:
                return type(error).__name__
            return "passed"

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(attempt, range(count)))


def test_right_passwords_at_once_all_pass(app: Flask, session: Session, ada: User) -> None:
    for _ in range(9):
        with pytest.raises(WrongCredentialsError):
            check_password(session, "ada", WRONG, "192.0.2.1")
    session.rollback()
    assert attempts_at_once(app, 20, basic("ada", PASSWORD)) == ["passed"] * 20


def test_many_guesses_at_once_do_not_slip_through(app: Flask, session: Session, ada: User) -> None:
    session.rollback()
    outcomes = attempts_at_once(app, 30, basic("ada", WRONG))
    assert outcomes == ["TooManyFailuresError"] * 20 + ["WrongCredentialsError"] * 10
    session.rollback()
    assert set(session.scalars(select(Throttle.failures))) == {10}


def by_form(session: Session) -> object:
    return check_password(session, "ada", PASSWORD, None)


def by_tool(session: Session) -> object:
    return identify(session, basic("ada", PASSWORD))


@pytest.mark.parametrize("by", [by_form, by_tool])
def test_a_hash_is_renewed_when_parameters_rise(
    session: Session, ada: User, monkeypatch: pytest.MonkeyPatch, by: Callable[[Session], object]
) -> None:
    before = ada.hashed_password
    hash_cheaply(monkeypatch, memory_cost=128)
    by(session)
    session.rollback()
    assert before != ada.hashed_password
    assert "m=128," in str(ada.hashed_password)
    with watched(monkeypatch) as done:
        by(session)
    assert not [entry for entry in done if entry.startswith("UPDATE")]


def test_a_password_that_was_changed_meanwhile_stays_and_counts(
    session: Session, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = hash_password("quite another password")
    user_id, renew = ada.id, passwords.renew_hash

    def change_and_renew(hashed_password: str, password: str) -> str | None:
        with Session(db.engine) as other, write_transaction(other):
            other.get_one(User, user_id).hashed_password = changed
        return renew(hashed_password, password)

    monkeypatch.setattr(identity, "renew_hash", change_and_renew)
    hash_cheaply(monkeypatch, memory_cost=128)
    with pytest.raises(WrongCredentialsError):
        check_password(session, "ada", PASSWORD, None)
    assert session.get_one(User, user_id).hashed_password == changed


def test_a_disabled_user_stops_at_once(session: Session, ada: User) -> None:
    _, secret = make_token(session, ada)
    by_token, by_password = (
        identify(session, header) for header in (f"Bearer {secret}", basic("ada", PASSWORD))
    )
    assert by_token is not None
    assert by_password is not None
    disable(session, ada)
    assert queries.find_token(session, secret) is None
    for header in (f"Bearer {secret}", basic("__token__", secret), basic("ada", PASSWORD)):
        with pytest.raises(WrongCredentialsError):
            identify(session, header)
    for known in (by_token, by_password):
        with write_transaction(session), pytest.raises(WrongCredentialsError):
            confirm(session, known)


def add_authenticator(session: Session, user: User) -> None:
    with write_transaction(session):
        user.totp_confirmed_at = datetime.now(UTC)


def add_key(session: Session, user: User) -> None:
    with write_transaction(session):
        session.add(SecurityKey(user=user, name="Key", credential_id="id", public_key="key"))


@pytest.mark.parametrize("add", [add_authenticator, add_key])
@pytest.mark.parametrize("remembered", [True, False])
def test_a_second_factor_cannot_be_gone_around_with_a_tool(
    session: Session, ada: User, add: Callable[[Session, User], None], remembered: bool
) -> None:
    if remembered:
        identify(session, basic("ada", PASSWORD))
    add(session, ada)
    with pytest.raises(SecondFactorNeededError, match="use a token"):
        identify(session, basic("ada", PASSWORD))
    # Whether there is one is told to nobody else.
    with pytest.raises(WrongCredentialsError):
        identify(session, basic("ada", WRONG))
    assert check_password(session, "ada", PASSWORD, None) is ada


def test_a_token_and_a_remembered_password_cost_one_query(
    session: Session, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = make_token(session, ada)
    identify(session, basic("ada", PASSWORD), ip_address="192.0.2.1")
    for header in (f"Bearer {secret}", basic("ada", PASSWORD)):
        session.rollback()
        with watched(monkeypatch) as done:
            assert identify(session, header, ip_address="192.0.2.1")
        assert len(done) == 1


def test_what_is_remembered_is_no_way_around_waiting(session: Session, ada: User) -> None:
    identify(session, basic("ada", PASSWORD), ip_address="192.0.2.1")
    for _ in range(10):
        with pytest.raises(WrongCredentialsError):
            identify(session, basic("ada", WRONG), ip_address="192.0.2.2")
    with pytest.raises(TooManyFailuresError):
        identify(session, basic("ada", PASSWORD), ip_address="192.0.2.2")
    assert identify(session, basic("ada", PASSWORD), ip_address="192.0.2.1")
