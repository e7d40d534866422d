"""The first set-up: a new index has no user, and waits for whoever can read its log or its folder.

A code of 125 random bits makes the first admin, once. It is printed as a link when the server
starts, and kept in the data folder, so that a restart prints the same one. Several codes may be
valid: each node of an index has its own. The database holds only their hashes.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

import structlog
from flask import Flask, current_app
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from packslip.accounts.models import Role, SetupCode, User
from packslip.accounts.operations import create_user
from packslip.errors import NotAllowedError, NotFoundError, UnavailableError
from packslip.events.models import Action
from packslip.events.operations import Actor, record

#: The file in the data folder that holds the code.
CODE_FILE = "setup-code"

_DONE = "packslip_set_up"

# Crockford's base 32: five bits a character, none of which is taken for another one.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_GROUPS, _GROUP_LENGTH = 5, 5
_SHAPE = re.compile(f"[{_ALPHABET}]{{{_GROUPS * _GROUP_LENGTH}}}")

log = structlog.get_logger(__name__)


class AlreadySetUpError(NotFoundError):
    """Somebody can log in, so nobody needs the first set-up any more."""

    def __init__(self) -> None:
        super().__init__("This index is set up already. Log in, or ask its admins for an account.")


class WrongSetupCodeError(NotAllowedError):
    """It is not a code of this index, or no longer; all that is wrong with one is said alike."""

    def __init__(self) -> None:
        super().__init__("That is not the set-up code of this index.")


class CodeFileError(UnavailableError):
    """The code cannot be kept in the data folder."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"The set-up code cannot be kept in the data folder: {error.strerror}.")


def is_set_up(session: Session) -> bool:
    """Whether somebody can log in: there is a user with a password, disabled or not.

    The application remembers when it is so, and does not ask again.
    """
    if is_known_set_up():
        return True
    found = session.scalar(select(exists().where(User.hashed_password.is_not(None))))
    if found:
        mark_set_up(current_app)
    return bool(found)


def is_known_set_up() -> bool:
    """Whether the application remembers that the index is set up; it asks nobody."""
    return _DONE in current_app.extensions


def mark_set_up(app: Flask) -> None:
    """Let the application take it that the index is set up."""
    app.extensions[_DONE] = True


def make_first_admin(
    session: Session,
    actor: Actor,
    *,
    code: str,
    username: str,
    email: str,
    name: str,
    hashed_password: str,
) -> User:
    """Add the first user, who is an admin; of several calls at once one does it.

    Raises:
        AlreadySetUpError: there is a user who can log in.
        WrongSetupCodeError: it is not a code of this index.
        InvalidError: the user cannot be added, see `create_user`.
    """
    # PostgreSQL lets the others wait here until the first one has committed.
    session.scalars(select(SetupCode).order_by(SetupCode.id).with_for_update()).all()
    check_code(session, code)
    user = create_user(
        session,
        actor,
        username=username,
        email=email,
        name=name,
        hashed_password=hashed_password,
        role=Role.ADMIN,
    )
    data = {"username": user.username}
    record(session, actor, Action.SITE_SET_UP, subject_id=user.id, data=data)
    end_set_up(session)
    return user


def check_code(session: Session, code: str) -> None:
    """Ask the same as `make_first_admin` does first, before anything that takes long.

    Raises:
        AlreadySetUpError: there is a user who can log in.
        WrongSetupCodeError: it is not a code of this index.
    """
    if is_set_up(session):
        raise AlreadySetUpError
    if not _is_valid(session, code):
        raise WrongSetupCodeError


def end_set_up(session: Session) -> None:
    """Make all codes invalid."""
    session.execute(delete(SetupCode))


def provide_code(session: Session, data: Path) -> str:
    """The code in the data folder while it is valid, else a new one, which is kept there.

    Raises:
        CodeFileError: it cannot be read or written.
    """
    path = data / CODE_FILE
    try:
        kept = path.read_text(errors="replace").strip() if path.exists() else ""
        if _is_valid(session, kept):
            return kept
        code = new_code()
        _write_secret(path, f"{code}\n")
    except OSError as error:
        raise CodeFileError(error) from error
    session.add(SetupCode(hashed_code=hash_code(code)))
    session.flush()
    return code


def remove_code_file(data: Path) -> None:
    """Remove the code from the data folder; it is worth nothing once the index is set up."""
    try:
        # With it go the drafts of processes that were killed while they wrote.
        for path in data.glob(f"{CODE_FILE}*"):
            path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the used set-up code could not be removed", error=error.strerror)


def new_code() -> str:
    """A new code, in groups that can be read out and typed."""
    groups = (
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
    )
    return "-".join(groups)


def hash_code(code: str) -> str:
    """The code's SHA-256 in hexadecimal; case, hyphens and spaces do not matter.

    A code is random enough to need no slow hash.
    """
    return hashlib.sha256(_plain(code).encode(errors="surrogatepass")).hexdigest()


def _is_valid(session: Session, code: str) -> bool:
    if not _SHAPE.fullmatch(_plain(code)):
        return False
    found = select(exists().where(SetupCode.hashed_code == hash_code(code)))
    return bool(session.scalar(found))


def _plain(code: str) -> str:
    return re.sub(r"[\s-]", "", code).upper().translate(_MISREAD)


def _write_secret(path: Path, text: str) -> None:
    """Put a file in place that nobody else could read at any moment, and that is never half."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
