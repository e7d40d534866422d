"""Reading users and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import SecurityKey, Token, User
from packslip.accounts.tokens import hash_token, looks_like_token
from packslip.accounts.usernames import is_username
from packslip.db import is_key
from packslip.errors import InvalidError, NotFoundError

#: Characters of an e-mail address.
MAX_EMAIL = 320


class UnknownUserError(NotFoundError):
    """There is no such user; perhaps one with a name like it was meant."""

    def __init__(self, username: str, nearest: Sequence[str] = ()) -> None:
        meant = " or ".join(repr(other) for other in nearest)
        hint = f" Did you mean {meant}?" if meant else ""
        super().__init__(f"There is no user {username!r}.{hint}")
        self.username = username
        self.links = [(f"/user/{other}/", other) for other in nearest]


class UnknownTokenError(NotFoundError):
    """There is no such token."""

    def __init__(self, token_id: int) -> None:
        super().__init__(f"There is no token {token_id}.")
        self.token_id = token_id


class NoTokenError(InvalidError):
    """The text is no token."""

    def __init__(self) -> None:
        super().__init__("That is no token: it begins otherwise, or its checksum is wrong.")


class UnknownSecretError(NotFoundError):
    """It may be a token, but of another index, or one that was removed with its user."""

    def __init__(self) -> None:
        super().__init__("No token of this index has that secret.")


def find_user(session: Session, username: str) -> User | None:
    """The user of that name, in whatever case it is written."""
    # Other letters have a lower case in ASCII, and PostgreSQL refuses some characters.
    if not is_username(username):
        return None
    return session.scalar(select(User).where(User.username == username.lower()))


def get_user(session: Session, username: str) -> User:
    """The user of that name, in whatever case it is written.

    Raises:
        UnknownUserError: there is none.
    """
    user = find_user(session, username)
    if user is None:
        raise UnknownUserError(username)
    return user


def get_shown_user(session: Session, username: str) -> User:
    """The same for pages that everybody sees: whoever is disabled has none.

    Raises:
        UnknownUserError: there is none, or they are disabled.
    """
    user = get_user(session, username)
    if user.disabled_at is not None:
        raise UnknownUserError(username)
    return user


def lock_user(session: Session, user_id: int) -> User:
    """The user as they are now, and stay for others until the transaction ends.

    Raises:
        UnknownUserError: they are gone.
    """
    statement = select(User).where(User.id == user_id).with_for_update()
    user = session.scalar(statement.execution_options(populate_existing=True))
    if user is None:
        raise UnknownUserError(str(user_id))
    return user


def find_user_by_email(session: Session, email: str) -> User | None:
    """The user with that e-mail address, in whatever case it is written."""
    return session.scalar(select(User).where(_email_is(email.strip())))


def find_user_by_login(session: Session, login: str) -> User | None:
    """The user with that name or e-mail address, in whatever case it is written."""
    return session.scalar(select(User).where(login_is(login)))


def login_is(login: str) -> ColumnElement[bool]:
    """The same as a condition on `User`."""
    login = login.strip()
    if "@" in login:
        return _email_is(login)
    return User.username == login.lower() if is_username(login) else false()


def list_users(session: Session) -> Sequence[User]:
    """All users by name."""
    return session.scalars(select(User).order_by(User.username)).all()


def ids_with_second_factor(session: Session) -> set[int]:
    """The keys of the users who have a second factor."""
    with_code = select(User.id).where(User.totp_confirmed_at.is_not(None))
    return set(session.scalars(with_code.union(select(SecurityKey.user_id))))


def get_token(session: Session, token_id: int) -> Token:
    """The token with that number, valid or not.

    Raises:
        UnknownTokenError: there is none.
    """
    token = session.get(Token, token_id) if is_key(token_id) else None
    if token is None:
        raise UnknownTokenError(token_id)
    return token


def find_token(session: Session, secret: str) -> Token | None:
    """The token with that secret, with its user; None when it is unknown, expired or revoked.

    It is None as well when the user is disabled.
    """
    token = session.scalar(
        select(Token)
        .where(Token.hashed_secret == hash_token(secret))
        .options(joinedload(Token.user))
    )
    if token is None or not is_valid(token) or token.user.disabled_at is not None:
        return None
    return token


def get_own_token(session: Session, user: User, token_id: int) -> Token:
    """The user's token with that number, valid or not.

    Raises:
        UnknownTokenError: there is none, or it is somebody else's.
    """
    token = get_token(session, token_id)
    if token.user_id != user.id:
        raise UnknownTokenError(token_id)
    return token


def get_token_by_secret(session: Session, secret: str) -> Token:
    """The token with that secret, valid or not.

    Raises:
        NoTokenError: the text is no token.
        UnknownSecretError: it is none of this index.
    """
    if not looks_like_token(secret):
        raise NoTokenError
    token = session.scalar(select(Token).where(Token.hashed_secret == hash_token(secret)))
    if token is None:
        raise UnknownSecretError
    return token


def count_valid_tokens(session: Session, user: User) -> int:
    """How many of the user's tokens are neither revoked nor expired."""
    statement = select(func.count()).where(
        Token.user_id == user.id,
        Token.revoked_at.is_(None),
        or_(Token.expires_at.is_(None), Token.expires_at > datetime.now(UTC)),
    )
    return session.scalar(statement) or 0


def list_tokens(session: Session, user: User | None = None) -> Sequence[Token]:
    """All tokens, or those of one user, with their users; the newest first."""
    statement = select(Token).options(joinedload(Token.user)).order_by(Token.id.desc())
    if user is not None:
        statement = statement.where(Token.user_id == user.id)
    return session.scalars(statement).all()


def is_valid(token: Token) -> bool:
    """Whether the token can be used: neither revoked nor expired."""
    expired = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return token.revoked_at is None and not expired


def token_state(token: Token) -> str:
    """`valid`, `revoked` or `expired`."""
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if is_valid(token) else "expired"


def known_of(user: User) -> tuple[str, ...]:
    """What others know of the user, and so try first when they guess the password."""
    return user.username, user.name, user.email or ""


def _email_is(email: str) -> ColumnElement[bool]:
    # PostgreSQL refuses some of the characters that no address has.
    is_possible = len(email) <= MAX_EMAIL and email.isprintable()
    return User.email == email.lower() if is_possible else false()
