"""Changes to users and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from packaging.utils import InvalidName, canonicalize_name
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from packslip.accounts import queries, usernames
from packslip.accounts.links import end_links
from packslip.accounts.login_sessions import end_login_sessions
from packslip.accounts.models import LinkPurpose, Role, Scope, Token, User
from packslip.accounts.tokens import hash_token, new_secret
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mail.operations import enqueue
from packslip.texts import brief, one_line

MAX_NAME = 200
MAX_TOKEN_NAME = 100

#: How many valid tokens a user may have, and how many packages a token may be limited to.
MAX_TOKENS = 100
MAX_TOKEN_PACKAGES = 100

#: No longer than the name of a file.
MAX_PACKAGE_NAME = 240

_EMAIL = re.compile(r"[^\s@<>\",;:()\[\]\\]+@[^\s@<>\",;:()\[\]\\]+")


class UsernameError(InvalidError):
    """The username is not one."""

    field = "username"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"A username has at most {usernames.MAX_LENGTH} letters, digits, dots, hyphens and"
            " underscores (ASCII), and begins and ends with a letter or digit."
        )
        self.username = username


class EmailError(InvalidError):
    """The e-mail address is not one."""

    field = "email"

    def __init__(self, email: str) -> None:
        super().__init__("That is no e-mail address.")
        self.email = email


class UsernameTakenError(InvalidError):
    """Somebody has that username."""

    field = "username"

    def __init__(self, username: str) -> None:
        super().__init__(f"The username {username!r} is taken.")
        self.username = username


class EmailTakenError(InvalidError):
    """Somebody has that e-mail address."""

    field = "email"

    def __init__(self, email: str) -> None:
        super().__init__("The e-mail address is taken.")
        self.email = email


class PackageNameError(InvalidError):
    """A token cannot be limited to something that is no package name."""

    field = "packages"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{brief(name)}' is not a valid package name.")
        self.name = name


class TokenPackagesCountError(InvalidError):
    """A token cannot be limited to no package at all, or to very many."""

    field = "packages"

    def __init__(self) -> None:
        super().__init__(f"A token can be limited to 1 to {MAX_TOKEN_PACKAGES} packages.")


class TooManyTokensError(InvalidError):
    """The user has as many valid tokens as one may have."""

    def __init__(self) -> None:
        super().__init__(
            f"A user may have {MAX_TOKENS} valid tokens. Revoke one that is not needed any more."
        )


class ExpiryError(InvalidError):
    """A token cannot begin its life expired."""

    def __init__(self) -> None:
        super().__init__("A token must expire in the future.")


def create_user(
    session: Session,
    actor: Actor,
    *,
    username: str,
    email: str | None,
    name: str = "",
    hashed_password: str | None = None,
    role: Role = Role.MEMBER,
    email_confirmed: bool = False,
) -> User:
    """Add a user for whom somebody else does it, and record that.

    Without `hashed_password` (see `passwords.hash_password`) the user cannot log in.
    `email_confirmed` says that the actor vouches for the address; otherwise see
    `email_addresses.ask_confirmation`.

    Raises:
        InvalidError: see `add_user`.
    """
    user = add_user(
        session,
        username=username,
        email=email,
        name=name,
        hashed_password=hashed_password,
        role=role,
        email_confirmed=email_confirmed,
    )
    record(
        session,
        actor,
        Action.USER_CREATE,
        subject_id=user.id,
        data={"username": user.username, "role": user.role},
    )
    return user


def add_user(
    session: Session,
    *,
    username: str,
    email: str | None,
    name: str = "",
    hashed_password: str | None = None,
    role: str = Role.MEMBER,
    email_confirmed: bool = False,
) -> User:
    """Add a user; the caller records it. Username and e-mail address are kept in lower case.

    Raises:
        UsernameError: the username is not one.
        EmailError: the e-mail address is not one.
        InvalidError: the name is too long or not one line.
        UsernameTakenError: somebody has the username, in whatever case.
        EmailTakenError: somebody has the e-mail address, in whatever case.
    """
    user = User(
        username=read_username(username),
        email=None if email is None else read_email(email),
        name=read_name(name),
        hashed_password=hashed_password,
        role=role,
        email_confirmed_at=datetime.now(UTC) if email and email_confirmed else None,
    )
    try:
        with session.begin_nested():
            session.add(user)
            session.flush()
    except IntegrityError:
        if queries.find_user(session, username):
            raise UsernameTakenError(username.lower()) from None
        if email is not None and queries.find_user_by_email(session, email):
            raise EmailTakenError(email.strip().lower()) from None
        raise
    return user


def read_username(username: str) -> str:
    """The username as it is kept.

    Raises:
        UsernameError: it is not one.
    """
    if not usernames.is_username(username):
        raise UsernameError(username)
    return username.lower()


def read_email(email: str) -> str:
    """The e-mail address as it is kept.

    Raises:
        EmailError: it is not one.
        InvalidError: it is too long or not one line.
    """
    email = _one_line(email.lower(), "An e-mail address", queries.MAX_EMAIL, "email")
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise EmailError(email)
    return email


def read_name(name: str) -> str:
    """The name of a person as it is kept.

    Raises:
        InvalidError: it is too long or not one line.
    """
    return _one_line(name, "A name", MAX_NAME, "name")


def set_password(
    session: Session,
    actor: Actor,
    user: User,
    hashed_password: str,
    action: Action = Action.USER_SET_PASSWORD,
) -> None:
    """Give the user another password, as its hash (see `passwords.hash_password`).

    It ends all of the user's sessions and the links for another password, and tells the user.
    """
    user.hashed_password = hashed_password
    record(session, actor, action, subject_id=user.id, data={"username": user.username})
    end_links(session, user, LinkPurpose.RESET_PASSWORD)
    end_login_sessions(session, user)
    if user.email is not None:
        data = {"username": user.username, "address": actor.ip_address}
        enqueue(session, "password-changed", user.email, data)


def change_name(session: Session, actor: Actor, user: User, name: str) -> None:
    """Write the user's name in another way.

    Raises:
        InvalidError: the name is too long or not one line.
    """
    before, after = user.name, read_name(name)
    if before == after:
        return
    user.name = after
    data = {"username": user.username, "before": before, "after": after}
    record(session, actor, Action.USER_CHANGE, subject_id=user.id, data=data)


def create_token(
    session: Session,
    actor: Actor,
    user: User,
    *,
    scope: Scope = Scope.UPLOAD,
    packages: Iterable[str] | None = None,
    name: str = "",
    expires_at: datetime | None = None,
    is_limited: bool = True,
) -> tuple[Token, str]:
    """Add a token for the user, and give it with its secret, which is kept nowhere.

    It is limited to `packages`, which need not exist yet, unless that is None.

    Raises:
        PackageNameError: one of `packages` cannot be a package's name.
        TokenPackagesCountError: `packages` holds none, or very many.
        TooManyTokensError: the user has as many valid tokens as one may have, if that counts.
        ExpiryError: `expires_at` is past.
        InvalidError: the name is too long or not one line.
    """
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise ExpiryError
    # Two that are made at the same moment are counted one after the other.
    session.refresh(user, with_for_update=True)
    if is_limited and queries.count_valid_tokens(session, user) >= MAX_TOKENS:
        raise TooManyTokensError
    secret = new_secret()
    token = Token(
        user=user,
        name=one_line(name, "A token's name", MAX_TOKEN_NAME),
        hashed_secret=hash_token(secret),
        scope=scope,
        packages=None if packages is None else _package_ids(packages),
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    data = {
        "token_id": token.id,
        "name": token.name,
        "username": user.username,
        "scope": token.scope,
        "packages": token.packages,
        "expires_at": None if expires_at is None else expires_at.isoformat(),
    }
    record(session, actor, Action.TOKEN_CREATE, subject_id=user.id, data=data)
    return token, secret


def revoke_token(session: Session, actor: Actor, token: Token) -> None:
    """End the token's life at once. Revoking it again changes nothing."""
    if token.revoked_at is not None:
        return
    token.revoked_at = datetime.now(UTC)
    data = {
        "token_id": token.id,
        "name": token.name,
        "username": token.user.username,
    }
    record(session, actor, Action.TOKEN_REVOKE, subject_id=token.user_id, data=data)


def _one_line(text: str, what: str, limit: int, field: str) -> str:
    try:
        return one_line(text, what, limit)
    except InvalidError as error:
        error.field = field
        raise


def _package_ids(names: Iterable[str]) -> list[str]:
    found = sorted({_package_id(name) for name in names})
    if not 1 <= len(found) <= MAX_TOKEN_PACKAGES:
        raise TokenPackagesCountError
    return found


def _package_id(name: str) -> str:
    if len(name) > MAX_PACKAGE_NAME:
        raise PackageNameError(name)
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName:
        raise PackageNameError(name) from None
