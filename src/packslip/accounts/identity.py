"""Who makes a request: from the Authorization header to a user and perhaps a token."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from packslip.accounts import queries, verified
from packslip.accounts.models import Token, User
from packslip.accounts.passwords import verify_password
from packslip.accounts.tokens import looks_like_token
from packslip.errors import NotAllowedError
from packslip.events.operations import Actor

#: The username that goes with a token in HTTP Basic.
TOKEN_USERNAME = "__token__"


class WrongCredentialsError(NotAllowedError):
    """Credentials were given and are wrong; it says the same for every way of being wrong."""

    def __init__(self) -> None:
        super().__init__("The username and password, or the token, are wrong or no longer valid.")


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


def identify(
    session: Session, authorization: str | None, *, passwords: bool = True
) -> Identity | None:
    """Who sent this Authorization header; None when there is none, or no password in it.

    Taken are HTTP Basic (RFC 7617) with username and password, with `__token__` or any username
    and a token, and a token as Bearer (RFC 6750). A password takes about a tenth of a second,
    a token no time; without `passwords` only tokens are taken. A stored hash with lower parameters
    than today's is not renewed here.

    Raises:
        WrongCredentialsError: the header cannot be read, or nobody has these credentials. An
            unknown user takes as long as a wrong password.
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
        return _by_password(session, username, password)
    raise WrongCredentialsError


def confirm(session: Session, identity: Identity) -> None:
    """Read the user and the token again, inside of the transaction that relies on them.

    Raises:
        WrongCredentialsError: the user is gone, or the token is gone, revoked or expired.
    """
    try:
        session.refresh(identity.user)
        if identity.token is not None:
            session.refresh(identity.token)
    except InvalidRequestError:
        raise WrongCredentialsError from None
    if identity.token is not None and not queries.is_valid(identity.token):
        raise WrongCredentialsError


def _by_token(session: Session, secret: str) -> Identity:
    token = queries.find_token(session, secret) if looks_like_token(secret) else None
    if token is None:
        raise WrongCredentialsError
    return Identity(token.user, token)


def _by_password(session: Session, username: str, password: str) -> Identity:
    user = queries.find_user(session, username)
    hashed_password = None if user is None else user.hashed_password
    if user is not None and hashed_password is not None:
        if verified.is_remembered(user.id, hashed_password, password):
            return Identity(user)
        if verify_password(hashed_password, password):
            verified.remember(user.id, hashed_password, password)
            return Identity(user)
    else:
        verify_password(None, password)
    raise WrongCredentialsError


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
