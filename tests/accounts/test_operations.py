import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user

from packslip.accounts import operations, queries
from packslip.accounts.models import Role, Scope, User
from packslip.accounts.tokens import hash_token
from packslip.accounts.usernames import is_username
from packslip.db import write_transaction
from packslip.errors import InvalidError
from packslip.events.models import Event


def actions(session: Session) -> list[str]:
    return list(session.scalars(select(Event.action).order_by(Event.id)))


@pytest.mark.parametrize("username", ["a", "7", "ada.l_o-v", "A1", "x" * 80])
def test_usernames_that_are_taken(username: str) -> None:
    assert is_username(username)


@pytest.mark.parametrize(
    "username",
    ["", "x" * 81, ".a", "a-", "_a", "a b", "a:b", "a@b", "ada\n", "é", "\u212a", "__token__"],
)
def test_usernames_that_are_refused(session: Session, username: str) -> None:
    with pytest.raises(operations.UsernameError), write_transaction(session):
        operations.create_user(session, ACTOR, username=username, email="a@example.com")


@given(st.text())
def test_a_username_is_ascii_and_has_one_lower_case(text: str) -> None:
    if is_username(text):
        assert text.isascii()
        assert is_username(text.lower())


#: Characters that a normalisation, a case or an eye takes for letters, digits, dots and hyphens.
ALIKE = [
    one
    for one in map(chr, range(128, 0x20000))
    if re.fullmatch("[a-z0-9._-]+", unicodedata.normalize("NFKC", one).casefold())
] + [
    # Cyrillic letters, and what cannot be seen.
    *"\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u04bb",
    *"\u200b\u2010\u00ad\u0131\u0307\u180e",
]


@given(st.text("abz09.-_AZ", min_size=1, max_size=9), st.integers(0, 9), st.sampled_from(ALIKE))
def test_no_username_looks_like_another_one(name: str, at: int, alike: str) -> None:
    assert not is_username(name[:at] + alike + name[at:])
    assert not is_username(name[:at] + alike + name[at + 1 :])


def test_a_user_is_kept_in_lower_case_and_found_in_any(session: Session) -> None:
    user = make_user(session, "Ada", email=" Ada@Example.COM ", name=" Ada L. ")
    assert (user.username, user.email, user.name) == ("ada", "ada@example.com", "Ada L.")
    assert (user.role, user.hashed_password) == (Role.MEMBER, None)
    assert queries.get_user(session, "ADA") is user
    assert queries.find_user_by_email(session, "ADA@example.com") is user


def test_a_letter_whose_lower_case_is_ascii_finds_nobody(session: Session) -> None:
    make_user(session, "kay")
    assert queries.find_user(session, "\u212aay") is None
    assert queries.find_user(session, "kay\0") is None


@pytest.mark.parametrize(
    "email", ["", "ada", "@example.com", "ada@", "a@b@c", "a b@c", "a@b\nc", "<a@b>", "x@" * 321]
)
def test_what_is_no_address_is_refused(session: Session, email: str) -> None:
    with pytest.raises(InvalidError), write_transaction(session):
        operations.create_user(session, ACTOR, username="ada", email=email)
    assert queries.list_users(session) == []


def test_several_users_may_have_no_address(session: Session) -> None:
    make_user(session, "ada", email=None)
    make_user(session, "bob", email=None)
    assert [user.username for user in queries.list_users(session)] == ["ada", "bob"]


def test_a_taken_username_and_a_taken_address_are_told_apart(session: Session) -> None:
    make_user(session, "ada")
    with write_transaction(session):
        with pytest.raises(operations.UsernameTakenError, match="'ada' is taken"):
            operations.create_user(session, ACTOR, username="ADA", email="other@example.com")
        with pytest.raises(operations.EmailTakenError):
            operations.create_user(session, ACTOR, username="bob", email="ADA@example.com")
        operations.create_user(session, ACTOR, username="carol", email="carol@example.com")
    assert [user.username for user in queries.list_users(session)] == ["ada", "carol"]
    assert actions(session) == ["user.create", "user.create"]


def test_no_event_holds_a_hash_or_an_address(session: Session) -> None:
    user = make_user(session, "ada", hashed_password="$argon2id$old")
    with write_transaction(session):
        operations.set_password(session, ACTOR, user, "$argon2id$new")
    _, secret = make_token(session, user)
    assert user.hashed_password == "$argon2id$new"
    assert actions(session) == ["user.create", "user.set-password", "token.create"]
    kept = str([event.data for event in session.scalars(select(Event))])
    for hidden in ("argon2id", "@example.com", secret, hash_token(secret)):
        assert hidden not in kept


def test_a_token_is_kept_as_its_hash(session: Session) -> None:
    user = make_user(session)
    token, secret = make_token(session, user, name="laptop", packages=["My.Pkg", "my-pkg", "b"])
    assert token.hashed_secret == hash_token(secret)
    assert (token.scope, token.packages, token.name) == (Scope.UPLOAD, ["b", "my-pkg"], "laptop")
    found = queries.find_token(session, secret)
    assert found is token
    assert found.user is user


def test_a_token_without_packages_is_for_all(session: Session) -> None:
    token, _ = make_token(session, make_user(session))
    assert token.packages is None


@pytest.mark.parametrize("name", ["", "-", "a b", "a/b", "é", "a" * 241])
def test_a_token_for_what_cannot_be_a_package_is_refused(session: Session, name: str) -> None:
    user = make_user(session)
    with pytest.raises(operations.PackageNameError):
        make_token(session, user, packages=[name])


def test_a_token_is_limited_to_some_packages(session: Session) -> None:
    user = make_user(session)
    for packages in ([], [f"p{number}" for number in range(101)]):
        with pytest.raises(operations.TokenPackagesCountError):
            make_token(session, user, packages=packages)


def test_a_token_must_expire_in_the_future(session: Session) -> None:
    user = make_user(session)
    with pytest.raises(operations.ExpiryError):
        make_token(session, user, expires_at=datetime.now(UTC))


def test_an_expired_token_is_not_found(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    expires_at = datetime.now(UTC) + timedelta(days=1)
    token, secret = make_token(session, make_user(session), expires_at=expires_at)
    assert queries.find_token(session, secret) is token
    with write_transaction(session):
        token.expires_at = datetime.now(UTC)
    assert queries.find_token(session, secret) is None


def test_a_revoked_token_is_not_found_and_revoked_once(session: Session) -> None:
    token, secret = make_token(session, make_user(session))
    with write_transaction(session):
        operations.revoke_token(session, ACTOR, token)
    first = token.revoked_at
    with write_transaction(session):
        operations.revoke_token(session, ACTOR, token)
    assert token.revoked_at == first
    assert queries.find_token(session, secret) is None
    assert actions(session).count("token.revoke") == 1


def test_tokens_go_with_their_user(session: Session) -> None:
    user = make_user(session)
    _, secret = make_token(session, user)
    with write_transaction(session):
        session.delete(session.get_one(User, user.id))
    assert queries.find_token(session, secret) is None


def test_tokens_are_listed_newest_first_and_by_user(session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    first, second = make_token(session, ada)[0], make_token(session, bob)[0]
    assert list(queries.list_tokens(session)) == [second, first]
    assert list(queries.list_tokens(session, ada)) == [first]
