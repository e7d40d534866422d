"""Roles on the site, and users who are disabled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user

from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import AccountLink, LoginSession, Role, User
from packslip.accounts.site_roles import (
    LastAdminError,
    OwnAccountError,
    disable_user,
    enable_user,
    lock_admins,
    set_role,
)
from packslip.db import db, write_transaction
from packslip.events.models import Event
from packslip.events.operations import Actor

Change = Callable[[Session, Actor, User], None]


def demote(session: Session, actor: Actor, user: User) -> None:
    set_role(session, actor, user, Role.MEMBER)


def do(session: Session, change: Change, user: User) -> None:
    with write_transaction(session):
        change(session, ACTOR, user)


def last_event(session: Session) -> Event:
    return session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def count(session: Session, model: type[Any]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_role_is_changed_and_recorded(session: Session) -> None:
    user = make_user(session, "ada")
    with write_transaction(session):
        set_role(session, ACTOR, user, Role.CURATOR)
    assert user.role == Role.CURATOR
    event = last_event(session)
    assert (event.action, event.subject_id) == ("user.change-role", user.id)
    assert event.data == {"username": "ada", "before": "member", "after": "curator"}
    with write_transaction(session):
        set_role(session, ACTOR, user, Role.CURATOR)
    assert last_event(session).id == event.id


def test_a_disabled_user_keeps_no_session_and_no_link(session: Session) -> None:
    user, other = make_user(session, "ada"), make_user(session, "bob")
    with write_transaction(session):
        for one in (user, other):
            start_login_session(session, one, ip_address=None, user_agent="")
            session.add(
                AccountLink(
                    user=one,
                    purpose="reset-password",
                    hashed_secret=one.username * 16,
                    expires_at=datetime.now(UTC) + timedelta(hours=1),
                )
            )
    do(session, disable_user, user)
    assert user.disabled_at is not None
    assert [login.user for login in session.scalars(select(LoginSession))] == [other]
    assert [link.user for link in session.scalars(select(AccountLink))] == [other]
    event = last_event(session)
    assert (event.action, event.subject_id) == ("user.disable", user.id)
    assert event.data["before"] == {"disabled_at": None}
    assert event.data["after"] == {"disabled_at": user.disabled_at.isoformat()}


def test_a_log_in_that_was_under_way_does_not_come_to_life_with_the_user(session: Session) -> None:
    user = make_user(session, "ada")
    do(session, disable_user, user)
    with write_transaction(session):
        start_login_session(session, user, ip_address=None, user_agent="")
    do(session, enable_user, user)
    assert user.disabled_at is None
    assert count(session, LoginSession) == 0
    assert last_event(session).action == "user.enable"


@pytest.mark.parametrize("change", [disable_user, enable_user, demote])
def test_what_is_so_already_changes_nothing(session: Session, change: Change) -> None:
    user = make_user(session, "ada")
    if change is disable_user:
        do(session, change, user)
    events = count(session, Event)
    do(session, change, user)
    assert count(session, Event) == events


@pytest.mark.parametrize("change", [disable_user, demote])
def test_the_last_admin_stays(session: Session, change: Change) -> None:
    ada = make_user(session, "ada", role=Role.ADMIN)
    make_user(session, "member")
    do(session, disable_user, make_user(session, "bob", role=Role.ADMIN))
    with pytest.raises(LastAdminError):
        do(session, change, ada)
    assert [admin.username for admin in lock_admins(session)] == ["ada"]


def test_a_disabled_admin_can_be_demoted_beside_the_last_one(session: Session) -> None:
    make_user(session, "ada", role=Role.ADMIN)
    bob = make_user(session, "bob", role=Role.ADMIN)
    do(session, disable_user, bob)
    do(session, demote, bob)
    assert bob.role == Role.MEMBER


def test_nobody_disables_themselves(session: Session) -> None:
    ada = make_user(session, "ada", role=Role.ADMIN)
    make_user(session, "bob", role=Role.ADMIN)
    with pytest.raises(OwnAccountError), write_transaction(session):
        disable_user(session, Actor("ada", user_id=ada.id), ada)


@pytest.mark.parametrize("change", [disable_user, demote])
def test_admins_who_turn_on_each_other_leave_one(
    app: Flask, session: Session, change: Change
) -> None:
    users = [make_user(session, name, role=Role.ADMIN).id for name in ("ada", "bob", "eve")]
    session.rollback()
    barrier = threading.Barrier(len(users))

    def turn(number: int) -> str:
        with app.app_context(), Session(db.engine) as own:
            victim = own.get_one(User, users[number])
            barrier.wait()
            try:
                do(own, change, victim)
            except LastAdminError:
                return "refused"
            return "done"

    with ThreadPoolExecutor(len(users)) as pool:
        outcomes = sorted(pool.map(turn, range(len(users))))
    assert outcomes == ["done", "done", "refused"]
    assert len(lock_admins(session)) == 1
