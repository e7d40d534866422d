"""Who somebody is: from a password, or from an Authorization header, to a user."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import InvalidRequestError, SQLAlchemyError
from sqlalchemy.orm import Session

from packslip.accounts import queries, throttle, verified
from packslip.accounts.local_login import require_local_login
from packslip.accounts.models import Token, User
from packslip.accounts.passwords import renew_hash, turn_to_verify
from packslip.accounts.second_factors import has_second_factor, second_factor_exists
from packslip.accounts.throttle import Attempt
from packslip.accounts.tokens import looks_like_token
from packslip.db import write_transaction
from packslip.errors import NotAllowedError, UnavailableError
from packslip.events.models import Action
from packslip.events.operations import Actor, record

#: The username that goes with a token in HTTP Basic.
TOKEN_USERNAME = "__token__"

log = structlog.get_logger(__name__)


class Through(StrEnum):
    """Where a password was given."""

    FORM = "form"
    TOOL = "tool"


class WrongCredentialsError(NotAllowedError):
    """Credentials were given and are wrong; it says the same for every way of being wrong."""

    def __init__(self) -> None:
        super().__init__("The username and password, or the token, are wrong or no longer valid.")


class SecondFactorNeededError(NotAllowedError):
    """The password is right, but not enough, and HTTP Basic has no room for more."""

    def __init__(self) -> None:
        super().__init__("This account has a second factor: use a token.")


@dataclass(frozen=True)
class Identity:
    """A user, with the token that stands for them if one was used."""

    user: User
    token: Token | None = None

    def actor(self, ip_address: str | None) -> Actor:
        """The same for the audit log."""
        return Actor(
            name=self.user.username,
            user_id=self.user.id,
            token_id=None if self.token is None else self.token.id,
            ip_address=ip_address,
        )


def check_password(
    session: Session,
    who: User | str,
    password: str,
    ip_address: str | None,
    *,
    through: Through = Through.FORM,
) -> User:
    """The user whose password it is: the one that is given, or whose name or address it is.

    Failures are counted per account and per network, and recorded. An unknown name, a user who
    has no password or is disabled, and a wrong password cost the same work and give the same
    answer. Call it outside of write transactions: it has its own, and rolls the session back so
    that no connection is held while others' passwords are checked.

    Raises:
        WrongCredentialsError: nobody has this name and password.
        TooManyFailuresError: there were too many failures lately; the password was not looked at.
    """
    name = who if isinstance(who, str) else who.username
    attempt = throttle.attempt_by(name, ip_address)
    session.rollback()
    with Session(session.get_bind()) as own:
        # All of this in one turn: else many attempts at once would be allowed before one counts.
        with turn_to_verify() as verify:
            throttle.require_turn(own, attempt)
            user = queries.find_user_by_login(own, name)
            own.close()
            hashed = None if user is None or user.disabled_at is not None else user.hashed_password
            if not verify(hashed, password):
                _count_failure(
                    own, attempt, user, Actor("not logged in", ip_address=ip_address), through
                )
                raise WrongCredentialsError
            # Others may have failed meanwhile, in other processes too.
            throttle.require_turn(own, attempt)
            if throttle.has_failures(own, attempt):
                with write_transaction(own):
                    throttle.forget_failures(own, attempt)
        assert user is not None
        assert hashed is not None
        hashes = {hashed, _renew(own, user.id, hashed, password)}
    found = session.get(User, user.id)
    # Both may have changed while the password was checked.
    if found is None or found.disabled_at is not None or found.hashed_password not in hashes:
        raise WrongCredentialsError
    return found


def identify(
    session: Session,
    authorization: str | None,
    *,
    ip_address: str | None = None,
    passwords: bool = True,
) -> Identity | None:
    """Who sent this Authorization header; None when there is none, or no password in it.

    Taken are HTTP Basic (RFC 7617) with username and password, with `__token__` or any username
    and a token, and a token as Bearer (RFC 6750). A password takes about a tenth of a second (see
    `check_password`) unless it was right a short while ago, a token no time; without `passwords`
    only tokens are taken. `ip_address` is the client's.

    Raises:
        WrongCredentialsError: the header cannot be read, or nobody has these credentials.
        TooManyFailuresError: there were too many failures lately; the password was not looked at.
        SecondFactorNeededError: the password is right, and the user has a second factor.
        ProviderOnlyError: the password is right, and taken of admins alone here.
    """
    if not authorization:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return _by_token(session, rest.strip())
    if scheme.lower() == "basic":
        username, password = _basic(rest.strip())
        if not password:
            # pip sends a username alone before it asks the keyring, which it does only after a 401.
            return None
        if username == TOKEN_USERNAME or looks_like_token(password):
            return _by_token(session, password)
        if not passwords:
            raise WrongCredentialsError
        return _by_password(session, username, password, ip_address)
    raise WrongCredentialsError


def confirm(session: Session, identity: Identity) -> None:
    """Read the user and the token again, inside of the transaction that relies on them.

    Raises:
        WrongCredentialsError: the user is gone or disabled, or the token gone, revoked or expired.
    """
    try:
        session.refresh(identity.user)
        if identity.token is not None:
            session.refresh(identity.token)
    except InvalidRequestError:
        raise WrongCredentialsError from None
    if identity.user.disabled_at is not None:
        raise WrongCredentialsError
    if identity.token is not None and not queries.is_valid(identity.token):
        raise WrongCredentialsError


def _by_token(session: Session, secret: str) -> Identity:
    token = queries.find_token(session, secret) if looks_like_token(secret) else None
    if token is None:
        raise WrongCredentialsError
    return Identity(token.user, token)


def _by_password(
    session: Session, username: str, password: str, ip_address: str | None
) -> Identity:
    statement = select(User, second_factor_exists()).where(queries.login_is(username))
    user, needs_more = session.execute(statement).one_or_none() or (None, False)
    if user is None or not _is_remembered(user, password, ip_address):
        user = check_password(session, username, password, ip_address, through=Through.TOOL)
        verified.remember(user.id, user.hashed_password or "", password, ip_address)
        needs_more = has_second_factor(session, user)
    require_local_login(user)
    if needs_more:
        raise SecondFactorNeededError
    return Identity(user)


def _is_remembered(user: User, password: str, ip_address: str | None) -> bool:
    if user.hashed_password is None or user.disabled_at is not None:
        return False
    return verified.is_remembered(user.id, user.hashed_password, password, ip_address)


def _count_failure(
    session: Session, attempt: Attempt, user: User | None, actor: Actor, through: Through
) -> None:
    # A name that nobody has is not recorded: it may be a password that was typed there.
    data = {"username": None if user is None else user.username, "through": through}
    with write_transaction(session):
        # Of many guesses at once no more are told to be wrong than of as many one after the other.
        throttle.require_turn_alone(session, attempt)
        throttle.count_failure(session, attempt)
        subject_id = None if user is None else user.id
        record(session, actor, Action.USER_LOG_IN_FAIL, subject_id=subject_id, data=data)


def _renew(session: Session, user_id: int, hashed_password: str, password: str) -> str | None:
    """Keep a new hash of a right password if parameters have risen, and give it."""
    renewed = renew_hash(hashed_password, password)
    if renewed is None:
        return None
    unchanged = User.id == user_id, User.hashed_password == hashed_password
    try:
        with write_transaction(session):
            session.execute(update(User).where(*unchanged).values(hashed_password=renewed))
    except (SQLAlchemyError, UnavailableError) as error:
        # It can be done the next time.
        log.warning("a password's hash was not renewed", error=str(error))
    return renewed


def _basic(encoded: str) -> tuple[str, str]:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise WrongCredentialsError from None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # Some clients send Latin-1, which was usual before RFC 7617.
        text = raw.decode("latin-1")
    username, colon, password = text.partition(":")
    if not colon:
        raise WrongCredentialsError
    return username, password
