import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, basic, make_token, make_user

from packslip.accounts import identity, operations, passwords, verified
from packslip.accounts.identity import WrongCredentialsError, confirm, identify
from packslip.accounts.models import Token, User
from packslip.accounts.passwords import hash_password
from packslip.accounts.tokens import looks_like_token
from packslip.db import write_transaction

PASSWORD = "pässword enough"
HASHED = hash_password(PASSWORD)
#: Well formed, and nobody's.
UNKNOWN = "packslip_unknown000000000000000000000001YV1eY"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    verified.forget_all()
    yield
    verified.forget_all()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each password that was checked the slow way: whether there was a hash."""
    done: list[bool] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, password: bytes) -> bool:
        done.append(hashed != passwords._NOBODYS_HASH)
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return done


def test_the_unknown_token_looks_like_one() -> None:
    assert looks_like_token(UNKNOWN)


def test_without_a_header_nobody_is_known(session: Session) -> None:
    assert identify(session, None) is None
    assert identify(session, "") is None


@pytest.mark.parametrize("username", ["__token__", "ada", ""])
def test_a_username_without_a_password_is_no_attempt(
    session: Session, checks: list[bool], username: str
) -> None:
    make_user(session, hashed_password=HASHED)
    assert identify(session, basic(username, "")) is None
    assert checks == []


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_username_and_password_identify(session: Session, encoding: str) -> None:
    user = make_user(session, hashed_password=HASHED)
    found = identify(session, basic("Ada", PASSWORD, encoding))
    assert found == identity.Identity(user, None)


def test_a_password_may_hold_colons(session: Session) -> None:
    user = make_user(session, hashed_password=hash_password("a:b:c:d:e:f:g"))
    found = identify(session, basic("ada", "a:b:c:d:e:f:g"))
    assert found is not None
    assert found.user is user


@pytest.mark.parametrize("username", ["__token__", "ada", "somebody else", ""])
def test_a_token_identifies_under_any_username(
    session: Session, checks: list[bool], username: str
) -> None:
    user = make_user(session, hashed_password=HASHED)
    token, secret = make_token(session, user)
    assert identify(session, basic(username, secret)) == identity.Identity(user, token)
    assert checks == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_a_token_identifies_as_bearer(session: Session, checks: list[bool], scheme: str) -> None:
    user = make_user(session)
    token, secret = make_token(session, user)
    assert identify(session, f"{scheme} {secret}") == identity.Identity(user, token)
    assert checks == []


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWRh",
        "Basic YWRh=",
        "Basic é",
        "Bearer",
        "Bearer x",
        "Digest username=ada",
        "packslip_x",
        basic("__token__", PASSWORD),
        basic("__token__", UNKNOWN),
        basic("ada", UNKNOWN),
        "Basic " + base64.b64encode(b"\0\xff:\xfe").decode(),
        f"Bearer {UNKNOWN}",
        f"Bearer {PASSWORD}",
    ],
)
def test_what_is_no_right_header_says_the_same_as_a_wrong_password(
    session: Session, header: str
) -> None:
    make_user(session, hashed_password=HASHED)
    with pytest.raises(WrongCredentialsError) as wrong_password:
        identify(session, basic("ada", "a wrong password"))
    with pytest.raises(WrongCredentialsError) as error:
        identify(session, header)
    assert error.value.reason == wrong_password.value.reason


@pytest.mark.parametrize("header", [basic("__token__", PASSWORD), f"Bearer {PASSWORD}"])
def test_what_is_sent_as_a_token_is_never_checked_as_a_password(
    session: Session, checks: list[bool], header: str
) -> None:
    with pytest.raises(WrongCredentialsError):
        identify(session, header)
    assert checks == []


def test_an_unknown_user_costs_as_much_as_a_wrong_password(
    session: Session, checks: list[bool]
) -> None:
    make_user(session, "ada", hashed_password=HASHED)
    make_user(session, "imported")
    for username in ("ada", "imported", "nobody", "no\0body"):
        with pytest.raises(WrongCredentialsError):
            identify(session, basic(username, "a wrong password"))
    assert checks == [True, False, False, False]


def test_a_password_is_checked_once_for_a_row_of_requests(
    session: Session, checks: list[bool]
) -> None:
    make_user(session, hashed_password=HASHED)
    for _ in range(3):
        identify(session, basic("ada", PASSWORD))
    assert checks == [True]


def test_wrong_passwords_are_not_remembered(session: Session, checks: list[bool]) -> None:
    make_user(session, hashed_password=HASHED)
    for _ in range(2):
        with pytest.raises(WrongCredentialsError):
            identify(session, basic("ada", "a wrong password"))
    assert checks == [True, True]


def test_an_old_password_ends_when_it_is_changed(session: Session) -> None:
    user = make_user(session, hashed_password=HASHED)
    identify(session, basic("ada", PASSWORD))
    with write_transaction(session):
        operations.set_password(session, ACTOR, user, hash_password("another password"))
    with pytest.raises(WrongCredentialsError):
        identify(session, basic("ada", PASSWORD))
    assert identify(session, basic("ada", "another password"))


def test_a_removed_user_is_not_remembered(session: Session) -> None:
    user = make_user(session, hashed_password=HASHED)
    identify(session, basic("ada", PASSWORD))
    with write_transaction(session):
        session.delete(user)
    with pytest.raises(WrongCredentialsError):
        identify(session, basic("ada", PASSWORD))


def test_a_password_that_was_taken_away_is_not_remembered(session: Session) -> None:
    user = make_user(session, hashed_password=HASHED)
    identify(session, basic("ada", PASSWORD))
    with write_transaction(session):
        user.hashed_password = None
    with pytest.raises(WrongCredentialsError):
        identify(session, basic("ada", PASSWORD))


def test_the_audit_log_learns_user_token_and_address(session: Session) -> None:
    user = make_user(session)
    token, secret = make_token(session, user)
    found = identify(session, f"Bearer {secret}")
    assert found is not None
    actor = found.actor("192.0.2.1")
    assert (actor.name, actor.user_id, actor.token_id) == ("ada", user.id, token.id)
    assert actor.ip_address == "192.0.2.1"
    assert identity.Identity(user).actor(None).token_id is None


def _revoke(token: Token) -> None:
    token.revoked_at = datetime.now(UTC)


def _expire(token: Token) -> None:
    token.expires_at = datetime.now(UTC)


@pytest.mark.parametrize("end", [_revoke, _expire])
def test_confirming_notices_that_a_token_ended(
    session: Session, end: Callable[[Token], None]
) -> None:
    token, secret = make_token(session, make_user(session))
    found = identify(session, f"Bearer {secret}")
    assert found is not None
    confirm(session, found)
    token_id = token.id
    session.rollback()
    with Session(session.get_bind()) as other:
        end(other.get_one(Token, token_id))
        other.commit()
    with write_transaction(session), pytest.raises(WrongCredentialsError):
        confirm(session, found)


def test_confirming_notices_that_a_user_is_gone(session: Session) -> None:
    user = make_user(session, hashed_password=HASHED)
    found = identify(session, basic("ada", PASSWORD))
    assert found is not None
    user_id = user.id
    session.rollback()
    with Session(session.get_bind()) as other:
        other.delete(other.get_one(User, user_id))
        other.commit()
    with write_transaction(session), pytest.raises(WrongCredentialsError):
        confirm(session, found)
