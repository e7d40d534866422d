import itertools

import pytest

from packslip.accounts.access import (
    CredentialsNeededError,
    TokenPackagesError,
    TokenScopeError,
    may_read,
    require_reader,
    require_upload_scope,
)
from packslip.accounts.identity import Identity
from packslip.accounts.models import Role, Scope, Token, User
from packslip.errors import PackslipError
from packslip.setting_choices import Read

#: A token's scope and limits; None for a password.
TOKENS: list[tuple[Scope, list[str] | None] | None] = [
    None,
    (Scope.READ, None),
    (Scope.READ, ["mine"]),
    (Scope.READ, ["other"]),
    (Scope.UPLOAD, None),
    (Scope.UPLOAD, ["mine"]),
    (Scope.UPLOAD, ["other"]),
]


def make_identity(
    limits: tuple[Scope, list[str] | None] | None, role: Role = Role.MEMBER
) -> Identity:
    user = User(username="ada", role=role)
    token = None if limits is None else Token(user=user, scope=limits[0], packages=limits[1])
    return Identity(user, token)


@pytest.mark.parametrize("package_id", ["mine", None])
@pytest.mark.parametrize("limits", TOKENS)
def test_everybody_reads_a_public_index(
    limits: tuple[Scope, list[str] | None] | None, package_id: str | None
) -> None:
    require_reader(None, Read.PUBLIC, package_id)
    require_reader(make_identity(limits), Read.PUBLIC, package_id)


def test_an_index_for_members_asks_for_credentials() -> None:
    with pytest.raises(CredentialsNeededError, match="needs a username and password, or a token"):
        require_reader(None, Read.MEMBERS)
    assert not may_read(None, Read.MEMBERS)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("limits", TOKENS)
def test_members_read_it_within_the_limits_of_their_token(
    limits: tuple[Scope, list[str] | None] | None, role: Role
) -> None:
    identity = make_identity(limits, role)
    limited_to_another = limits is not None and limits[1] == ["other"]
    assert may_read(identity, Read.MEMBERS, "mine") == (not limited_to_another)
    assert may_read(identity, Read.MEMBERS)


def test_nobody_uploads_without_credentials() -> None:
    with pytest.raises(CredentialsNeededError):
        require_upload_scope(None)


@pytest.mark.parametrize(("limits", "role"), list(itertools.product(TOKENS, Role)))
def test_uploading_needs_its_scope_and_the_package(
    limits: tuple[Scope, list[str] | None] | None, role: Role
) -> None:
    identity = make_identity(limits, role)
    expected: type[PackslipError] | None = None
    if limits is not None and limits[0] == Scope.READ:
        expected = TokenScopeError
    elif limits is not None and limits[1] == ["other"]:
        expected = TokenPackagesError
    if expected is None:
        assert require_upload_scope(identity, "mine") is identity
    else:
        with pytest.raises(expected):
            require_upload_scope(identity, "mine")


def test_before_the_package_is_known_only_the_scope_counts() -> None:
    require_upload_scope(make_identity((Scope.UPLOAD, ["other"])))
    with pytest.raises(TokenScopeError):
        require_upload_scope(make_identity((Scope.READ, ["other"])))
