"""Links that do one thing once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user

from packslip.accounts import operations
from packslip.accounts.email_addresses import change_email
from packslip.accounts.links import UnknownLinkError, get_link, make_link
from packslip.accounts.models import AccountLink, LinkPurpose, User
from packslip.accounts.recovery import (
    DisabledUserError,
    make_mailed_reset_link,
    make_reset_link,
    reset_password,
)
from packslip.db import db, write_transaction

RESET = LinkPurpose.RESET_PASSWORD


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session, hashed_password="$argon2id$old", email_confirmed=True)


def reset_link(session: Session, user: User, *, by_mail: bool = False) -> str:
    """The secret of a new link."""
    with write_transaction(session):
        if by_mail:
            assert user.email is not None
            link = make_mailed_reset_link(session, user, user.email)
        else:
            link = make_reset_link(session, ACTOR, user)
    start = "http://packages.example.com/account/reset/"
    assert link.startswith(start)
    return link.removeprefix(start)


def works(session: Session, secret: str) -> bool:
    session.rollback()
    try:
        get_link(session, secret, RESET)
    except UnknownLinkError:
        return False
    return True


def test_the_secret_is_kept_nowhere(session: Session, ada: User) -> None:
    secret = reset_link(session, ada)
    assert len(secret) == 43
    link = session.scalars(select(AccountLink)).one()
    assert secret not in str(vars(link))
    assert link.expires_at - datetime.now(UTC) > timedelta(hours=23)


def test_a_link_for_one_thing_does_no_other(session: Session, ada: User) -> None:
    with write_transaction(session):
        link = make_link(session, ada, LinkPurpose.CONFIRM_EMAIL, timedelta(days=1))
    assert not works(session, link.rpartition("/")[2])


def test_a_new_reset_link_ends_the_earlier_ones(session: Session, ada: User) -> None:
    bob = make_user(session, "bob")
    others = reset_link(session, bob)
    first, second = reset_link(session, ada), reset_link(session, ada, by_mail=True)
    assert [works(session, secret) for secret in (first, second, others)] == [False, True, True]


def disable(session: Session, user: User) -> None:
    user.disabled_at = datetime.now(UTC)


def change_address(session: Session, user: User) -> None:
    change_email(session, ACTOR, user, "new@example.com")


def change_password(session: Session, user: User) -> None:
    operations.set_password(session, ACTOR, user, "$argon2id$other")


def let_it_expire(session: Session, user: User) -> None:
    session.execute(update(AccountLink).values(expires_at=datetime.now(UTC)))


@pytest.mark.parametrize("by_mail", [True, False])
@pytest.mark.parametrize("end", [disable, change_address, change_password, let_it_expire])
def test_a_reset_link_dies_with_what_it_was_made_for(
    session: Session, ada: User, end: Callable[[Session, User], None], by_mail: bool
) -> None:
    secret = reset_link(session, ada, by_mail=by_mail)
    with write_transaction(session):
        end(session, ada)
    assert not works(session, secret)
    with pytest.raises(UnknownLinkError), write_transaction(session):
        reset_password(session, secret, "$argon2id$new", None)


def test_a_disabled_user_gets_no_link(session: Session, ada: User) -> None:
    with write_transaction(session):
        disable(session, ada)
    with pytest.raises(DisabledUserError), write_transaction(session):
        make_reset_link(session, ACTOR, ada)


def test_of_those_who_use_a_link_at_once_one_does(app: Flask, session: Session, ada: User) -> None:
    secret = reset_link(session, ada)
    user_id = ada.id
    session.rollback()
    start = threading.Barrier(4)
    outcomes: list[str] = []

    def use(number: int) -> None:
        with app.app_context(), Session(db.engine) as own:
            assert works(own, secret)
            own.rollback()
            start.wait()
            try:
                with write_transaction(own):
                    reset_password(own, secret, f"$argon2id${number}", None)
                outcomes.append(f"$argon2id${number}")
            except UnknownLinkError:
                outcomes.append("late")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1:] == ["late"] * 3
    assert session.get_one(User, user_id).hashed_password == min(outcomes)
