"""Authenticators and recovery codes: added, asked for, removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.second_factors import add_authenticator

from packslip.accounts import factor_operations, factor_throttle
from packslip.accounts.factor_operations import (
    CodeMismatchError,
    DisabledUserError,
    LostAuthenticatorError,
    NoSecondFactorError,
    TotpExistsError,
    TotpMissingError,
    WrongCodeError,
)
from packslip.accounts.factor_throttle import TooManyCodesError
from packslip.accounts.models import Throttle, User
from packslip.accounts.recovery_codes import count_recovery_codes
from packslip.accounts.second_factors import has_second_factor
from packslip.db import db, write_transaction
from packslip.events.models import Action, Event


def check(session: Session, user: User, code: str) -> str:
    with write_transaction(session):
        return factor_operations.check_code(session, ACTOR, user, code)


def actions(session: Session, user: User) -> list[str]:
    statement = select(Event.action).where(Event.subject_id == user.id).order_by(Event.id)
    return list(session.scalars(statement))


def test_an_authenticator_counts_once_it_has_shown_a_code(session: Session) -> None:
    user = make_user(session)
    with write_transaction(session):
        secret = factor_operations.begin_totp(session, user)
    assert secret not in (user.totp_secret or "")
    assert not has_second_factor(session, user)
    with pytest.raises(WrongCodeError):
        check(session, user, "123456")
    with pytest.raises(CodeMismatchError), write_transaction(session):
        factor_operations.confirm_totp(session, ACTOR, user, "12345é")
    device, codes = add_authenticator(session, user)
    assert has_second_factor(session, user)
    assert len(set(codes)) == 10
    with pytest.raises(TotpExistsError), write_transaction(session):
        factor_operations.begin_totp(session, user)
    with pytest.raises(TotpMissingError), write_transaction(session):
        factor_operations.confirm_totp(session, ACTOR, user, device.code(1))


def test_each_time_step_is_taken_once_and_none_before_it(session: Session) -> None:
    user = make_user(session)
    device, _ = add_authenticator(session, user)
    with pytest.raises(WrongCodeError):
        check(session, user, device.code())
    assert check(session, user, device.code(1)) == "code"
    for offset in (-1, 0, 1):
        with pytest.raises(WrongCodeError):
            check(session, user, device.code(offset))


def test_of_two_at_once_with_one_code_one_passes(app: Flask, session: Session) -> None:
    user = make_user(session)
    device, codes = add_authenticator(session, user)

    def attempt(code: str) -> bool:
        with app.app_context():
            own = db.session()
            try:
                check(own, own.get_one(User, user_id), code)
            except WrongCodeError:
                return False
            return True

    user_id, code = user.id, device.code(1)
    session.rollback()
    with ThreadPoolExecutor(4) as pool:
        for once in (code, codes[0]):
            assert sorted(pool.map(attempt, [once] * 4)) == [False, False, False, True]


def test_a_recovery_code_works_once_however_it_is_typed(session: Session) -> None:
    user, other = make_user(session), make_user(session, "bob")
    _, codes = add_authenticator(session, user)
    add_authenticator(session, other)
    typed = f" {codes[0].upper().replace('-', ' ').replace('0', 'O').replace('1', 'l')} "
    with pytest.raises(WrongCodeError):
        check(session, other, codes[0])
    assert check(session, user, typed) == "recovery code"
    with pytest.raises(WrongCodeError):
        check(session, user, codes[0])
    assert count_recovery_codes(session, user) == 9
    assert actions(session, user)[-1] == Action.RECOVERY_CODE_USE
    with write_transaction(session):
        renewed = factor_operations.renew_recovery_codes(session, ACTOR, user)
    with pytest.raises(WrongCodeError):
        check(session, user, codes[1])
    assert check(session, user, renewed[0]) == "recovery code"


def test_recovery_codes_go_with_the_last_factor(session: Session) -> None:
    user = make_user(session)
    _, codes = add_authenticator(session, user)
    with write_transaction(session):
        factor_operations.remove_totp(session, ACTOR, user)
    assert (user.totp_secret, user.totp_last_step, count_recovery_codes(session, user)) == (
        None, None, 0,
    )  # fmt: skip
    with pytest.raises(WrongCodeError):
        check(session, user, codes[0])
    with pytest.raises(NoSecondFactorError), write_transaction(session):
        factor_operations.renew_recovery_codes(session, ACTOR, user)
    assert actions(session, user)[1:] == [
        Action.TOTP_ADD, Action.RECOVERY_CODES_CREATE, Action.TOTP_REMOVE,
    ]  # fmt: skip


def test_another_secret_key_leaves_the_recovery_codes(app: Flask, session: Session) -> None:
    user = make_user(session)
    device, codes = add_authenticator(session, user)
    app.config["SECRET_KEY"] = "another one"
    with pytest.raises(LostAuthenticatorError):
        check(session, user, device.code(1))
    assert not factor_operations.is_readable(user)
    assert check(session, user, codes[0]) == "recovery code"


def test_waiting_grows_with_wrong_codes_and_keeps_a_right_one_out(session: Session) -> None:
    user, other = make_user(session), make_user(session, "bob")
    device, _ = add_authenticator(session, user)

    def fail() -> None:
        with write_transaction(session):
            factor_throttle.count_wrong_code(session, user)

    def throttle() -> Throttle:
        session.rollback()
        return session.scalars(select(Throttle)).one()

    for _ in range(9):
        fail()
    with pytest.raises(WrongCodeError):
        check(session, user, "000000")
    fail()
    with pytest.raises(TooManyCodesError) as refused:
        check(session, user, device.code(1))
    assert 50 < refused.value.retry_after <= 60
    with pytest.raises(WrongCodeError):
        check(session, other, "000000")
    first = throttle().blocked_until
    fail()
    second = throttle().blocked_until
    assert first is not None
    assert second is not None
    assert second - first > timedelta(seconds=55)
    with write_transaction(session):
        throttle().blocked_until = datetime.now(UTC) - timedelta(seconds=1)
    assert check(session, user, device.code(1)) == "code"
    assert session.scalars(select(Throttle)).all() == []


def test_a_user_who_is_disabled_meanwhile_can_do_nothing(session: Session) -> None:
    user = make_user(session)
    device, codes = add_authenticator(session, user)
    with write_transaction(session):
        user.disabled_at = datetime.now(UTC)
    for code in (device.code(1), codes[0]):
        with pytest.raises(DisabledUserError):
            check(session, user, code)
    with write_transaction(session):
        assert factor_operations.remove_second_factors(session, ACTOR, user) == 1
    assert not has_second_factor(session, user)
