from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.packages import add_releases

from packslip.accounts.access import (
    CredentialsNeededError,
    TokenPackagesError,
    TokenScopeError,
)
from packslip.accounts.identity import Identity, WrongCredentialsError
from packslip.accounts.models import Role, Scope, Token
from packslip.db import write_transaction
from packslip.errors import PackslipError
from packslip.packages.access import NotMaintainerError, require_uploader
from packslip.packages.models import Maintainer, MaintainerRole

#: What a token is for and limited to; None for a password.
Limits = tuple[Scope, list[str] | None] | None

PACKAGES = ["owned", "maintained", "foreign", "abandoned", "new"]
TOKENS: list[Limits] = [
    None,
    (Scope.READ, None),
    (Scope.READ, PACKAGES),
    (Scope.UPLOAD, None),
    (Scope.UPLOAD, PACKAGES),
    (Scope.UPLOAD, ["elsewhere"]),
]


def expected_refusal(limits: Limits, package_id: str) -> type[PackslipError] | None:
    if limits is not None and limits[0] == Scope.READ:
        return TokenScopeError
    if limits is not None and limits[1] == ["elsewhere"]:
        return TokenPackagesError
    return NotMaintainerError if package_id in ("foreign", "abandoned") else None


def refusal(session: Session, identity: Identity, package_id: str) -> type[PackslipError] | None:
    try:
        require_uploader(session, identity, package_id)
    except PackslipError as error:
        return type(error)
    return None


@pytest.mark.parametrize("role", list(Role))
def test_who_may_upload_what_with_which_token(session: Session, role: Role) -> None:
    user, other = make_user(session, "ada", role=role), make_user(session, "bob")
    add_releases(session, "Owned", owner=user)
    maintained = add_releases(session, "maintained", owner=other)
    add_releases(session, "foreign", owner=other)
    add_releases(session, "abandoned")
    with write_transaction(session):
        maintained.maintainers.append(Maintainer(user=user, role=MaintainerRole.MAINTAINER))
    for limits in TOKENS:
        token: Token | None = None
        if limits is not None:
            token, _ = make_token(session, user, scope=limits[0], packages=limits[1])
        for package_id in PACKAGES:
            found = refusal(session, Identity(user, token), package_id)
            assert found == expected_refusal(limits, package_id), (limits, package_id)


def test_nobody_uploads_without_credentials(session: Session) -> None:
    with pytest.raises(CredentialsNeededError):
        require_uploader(session, None, "new")


def test_a_refusal_names_user_and_package(session: Session) -> None:
    add_releases(session, "foreign", owner=make_user(session, "bob"))
    with pytest.raises(NotMaintainerError, match="'ada' may not upload to the package 'foreign'"):
        require_uploader(session, Identity(make_user(session, "ada")), "foreign")


def test_a_right_that_ended_meanwhile_is_noticed(session: Session) -> None:
    user = make_user(session)
    token, _ = make_token(session, user)
    with write_transaction(session):
        session.get_one(Token, token.id).revoked_at = datetime.now(UTC)
    with write_transaction(session), pytest.raises(WrongCredentialsError):
        require_uploader(session, Identity(user, token), "new")
