"""Of whom a second factor is required."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.second_factors import add_authenticator

from packslip.accounts.models import Role
from packslip.accounts.policies import (
    OwnSecondFactorError,
    SecondFactorPolicy,
    second_factor_policy,
    set_second_factor_policy,
)
from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.operations import Actor


def test_a_change_is_on_record_and_the_same_again_is_not(session: Session) -> None:
    assert second_factor_policy(session) is SecondFactorPolicy.NOBODY
    for policy in (SecondFactorPolicy.ALL, SecondFactorPolicy.ALL, SecondFactorPolicy.OWNERS):
        with write_transaction(session):
            set_second_factor_policy(session, ACTOR, policy)
        assert second_factor_policy(session) is policy
    changes = session.scalars(select(Event).where(Event.action == Action.POLICY_CHANGE)).all()
    assert [(change.data["before"], change.data["after"]) for change in changes] == [
        ("nobody", "all"), ("all", "owners"),
    ]  # fmt: skip


def test_an_admin_requires_of_others_what_they_have_themselves(session: Session) -> None:
    admin = make_user(session, "grace", role=Role.ADMIN)
    actor = Actor("grace", user_id=admin.id)
    with pytest.raises(OwnSecondFactorError), write_transaction(session):
        set_second_factor_policy(session, actor, SecondFactorPolicy.OWNERS)
    with write_transaction(session):
        set_second_factor_policy(session, actor, SecondFactorPolicy.NOBODY)
    add_authenticator(session, admin)
    with write_transaction(session):
        set_second_factor_policy(session, actor, SecondFactorPolicy.OWNERS)
    assert second_factor_policy(session) is SecondFactorPolicy.OWNERS
