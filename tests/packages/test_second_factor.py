"""Who must have a second factor, and cannot upload without one."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.packages import add_releases
from tests.helpers.second_factors import add_authenticator

from packslip.accounts.identity import Identity
from packslip.accounts.models import User
from packslip.accounts.policies import SecondFactorPolicy, set_second_factor_policy
from packslip.db import write_transaction
from packslip.packages.access import require_uploader
from packslip.packages.models import Maintainer, MaintainerRole
from packslip.packages.second_factor import (
    SecondFactorMissingError,
    lacks_second_factor,
    must_have_second_factor,
)


def require_of(session: Session, policy: SecondFactorPolicy) -> None:
    with write_transaction(session):
        set_second_factor_policy(session, ACTOR, policy)


def people(session: Session) -> dict[str, User]:
    users = {name: make_user(session, name) for name in ("owner", "maintainer", "reader")}
    demo = add_releases(session, "demo", owner=users["owner"])
    with write_transaction(session):
        demo.maintainers.append(
            Maintainer(user=users["maintainer"], role=MaintainerRole.MAINTAINER)
        )
    return users


@pytest.mark.parametrize(
    ("policy", "bound"),
    [
        (SecondFactorPolicy.NOBODY, set()),
        (SecondFactorPolicy.OWNERS, {"owner"}),
        (SecondFactorPolicy.ALL, {"owner", "maintainer", "reader"}),
    ],
)
def test_whom_each_policy_binds(
    session: Session, policy: SecondFactorPolicy, bound: set[str]
) -> None:
    users = people(session)
    require_of(session, policy)
    assert {name for name, user in users.items() if must_have_second_factor(session, user)} == bound


def test_who_lacks_one_uploads_with_a_token_alone(session: Session) -> None:
    owner = people(session)["owner"]
    token, _ = make_token(session, owner)
    require_of(session, SecondFactorPolicy.OWNERS)
    require_uploader(session, Identity(owner, token), "demo")
    with pytest.raises(SecondFactorMissingError, match="token"):
        require_uploader(session, Identity(owner), "demo")
    add_authenticator(session, owner)
    assert must_have_second_factor(session, owner)
    assert not lacks_second_factor(session, owner)
