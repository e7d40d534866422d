"""Rules for the whole site that admins change while it runs."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy.orm import Session

from packslip.accounts.models import Policy, User
from packslip.accounts.second_factors import has_second_factor
from packslip.db import add_if_new
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record

_SECOND_FACTOR = "second-factor"


class SecondFactorPolicy(StrEnum):
    """Who must have a second factor."""

    NOBODY = "nobody"
    OWNERS = "owners"
    ALL = "all"


class OwnSecondFactorError(InvalidError):
    """Who asks others for a second factor has none, and would be locked out first."""

    field = "second_factor"

    def __init__(self) -> None:
        super().__init__("Add a second factor to your own account before you require it of others.")


def second_factor_policy(session: Session) -> SecondFactorPolicy:
    """Of whom a second factor is required."""
    row = session.get(Policy, _SECOND_FACTOR)
    return SecondFactorPolicy.NOBODY if row is None else SecondFactorPolicy(row.value)


def set_second_factor_policy(session: Session, actor: Actor, value: SecondFactorPolicy) -> None:
    """Require a second factor of others than before; the same again changes nothing.

    Raises:
        OwnSecondFactorError: the actor is a person who has none.
    """
    if value is not SecondFactorPolicy.NOBODY and actor.user_id is not None:
        admin = session.get_one(User, actor.user_id, with_for_update=True, populate_existing=True)
        if not has_second_factor(session, admin):
            raise OwnSecondFactorError
    while (row := session.get(Policy, _SECOND_FACTOR, with_for_update=True)) is None:
        add_if_new(session, Policy(name=_SECOND_FACTOR, value=SecondFactorPolicy.NOBODY))
    before, row.value = row.value, value
    if before != value:
        data = {"policy": _SECOND_FACTOR, "before": before, "after": value}
        record(session, actor, Action.POLICY_CHANGE, data=data)
