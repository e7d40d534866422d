"""Security keys and passkeys: added to an account, and checked at the log-in.

Each ceremony has two halves: options for the browser, which hold a challenge, and the check of what
the browser makes of them. The pages keep the challenge for the browser in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from packslip.accounts import queries
from packslip.accounts.challenges import encode, new_challenge, take_challenge
from packslip.accounts.factor_operations import (
    FactorChange,
    after_removal,
    first_recovery_codes,
    lock_user,
    note_change,
    tell,
)
from packslip.accounts.models import SecurityKey, User
from packslip.accounts.relying_party import RelyingParty
from packslip.accounts.second_factors import has_second_factor
from packslip.db import add_if_new
from packslip.errors import InvalidError, NotAllowedError, NotFoundError
from packslip.events.models import Action
from packslip.events.operations import Actor
from packslip.texts import one_line

if TYPE_CHECKING:
    from packslip.accounts.key_ceremonies import NewKey

MAX_NAME = 100
MAX_KEYS = 20


class KeyNameError(InvalidError):
    """A key without a name could not be told from the others."""

    field = "name"

    def __init__(self) -> None:
        super().__init__("Give the key a name by which you will know it.")


class TooManyKeysError(InvalidError):
    """The user has as many keys as one may have."""

    def __init__(self) -> None:
        super().__init__(f"You have {MAX_KEYS} keys already. Remove one that you do not use.")


class KeyNotAddedError(InvalidError):
    """What the browser sent is no new key for this index."""

    def __init__(self) -> None:
        super().__init__("The key could not be added. Please try again.")


class KeyExistsError(InvalidError):
    """Somebody has this key already."""

    def __init__(self) -> None:
        super().__init__("This key is registered already.")


class UnknownKeyError(NotFoundError):
    """The user has no such key."""

    def __init__(self, key_id: int) -> None:
        super().__init__(f"There is no security key {key_id}.")
        self.key_id = key_id


class KeyRefusedError(NotAllowedError):
    """A key did not prove who uses it. People read the same whatever the cause is."""

    def __init__(self, cause: str, user: User | None, reason: str | None = None) -> None:
        super().__init__(reason or "This security key or passkey was not accepted.")
        #: For the audit log.
        self.cause = cause
        #: Whose key it is, where that is known.
        self.user = user


class CopiedKeyError(KeyRefusedError):
    """The key has signed less often than when it was seen last, so there are two of it."""

    def __init__(self, user: User) -> None:
        super().__init__(
            "a sign count that went back",
            user,
            "This security key was refused: its counter went back, so somebody may have a copy of"
            " it. Log in in another way and remove it.",
        )


@dataclass(frozen=True)
class Options:
    """What the browser needs to ask a key, as JSON, and the challenge that is in it."""

    json: str
    challenge: str


def list_keys(session: Session, user: User) -> Sequence[SecurityKey]:
    """The user's keys, the oldest first."""
    statement = select(SecurityKey).where(SecurityKey.user_id == user.id).order_by(SecurityKey.id)
    return session.scalars(statement).all()


def options_to_add(session: Session, party: RelyingParty, user: User) -> Options:
    """What a browser needs to make a key for the user."""
    from packslip.accounts import key_ceremonies  # noqa: PLC0415 - start-up time

    challenge, keys = new_challenge(session), list_keys(session, user)
    json = key_ceremonies.options_to_make(party, user, keys, challenge)
    return Options(json, encode(challenge))


def add_key(
    session: Session,
    actor: Actor,
    party: RelyingParty,
    user: User,
    *,
    name: str,
    credential: str,
    challenge: str,
) -> list[str]:
    """Add the key that the browser made; give recovery codes if it is the first factor.

    Raises:
        KeyNameError: the name is empty.
        InvalidError: the name is too long or not one line.
        KeyNotAddedError: the answer is no new key for this index, user and challenge.
        KeyExistsError: somebody has the key.
        TooManyKeysError: the user has twenty.
    """
    name = one_line(name, "A key's name", MAX_NAME)
    if not name:
        raise KeyNameError
    lock_user(session, user)
    if len(list_keys(session, user)) >= MAX_KEYS:
        raise TooManyKeysError
    made = _read_new_key(party, credential, take_challenge(session, challenge))
    is_first = not has_second_factor(session, user)
    key = SecurityKey(
        user_id=user.id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=made.transports,
    )
    if not add_if_new(session, key):
        raise KeyExistsError
    note_change(session, actor, Action.SECURITY_KEY_ADD, user, {"name": name})
    tell(session, actor, user, FactorChange.KEY_ADDED)
    return first_recovery_codes(session, actor, user) if is_first else []


def remove_key(session: Session, actor: Actor, user: User, key_id: int) -> None:
    """Remove the user's key.

    Raises:
        UnknownKeyError: the user has none of that number.
    """
    lock_user(session, user)
    key = session.get(SecurityKey, key_id)
    if key is None or key.user_id != user.id:
        raise UnknownKeyError(key_id)
    note_change(session, actor, Action.SECURITY_KEY_REMOVE, user, {"name": key.name})
    tell(session, actor, user, FactorChange.KEY_REMOVED)
    session.delete(key)
    after_removal(session, user)


def options_to_log_in(session: Session, party: RelyingParty, user: User | None) -> Options:
    """What a browser needs to ask for one of the user's keys, or for a passkey of whomever."""
    from packslip.accounts import key_ceremonies  # noqa: PLC0415 - start-up time

    challenge = new_challenge(session)
    keys = [] if user is None else list_keys(session, user)
    json = key_ceremonies.options_to_sign(party, keys, challenge, alone=user is None)
    return Options(json, encode(challenge))


def check_key(
    session: Session, party: RelyingParty, *, credential: str, challenge: str, user: User | None
) -> User:
    """Whose key signed the challenge: the given user's, or with None whoever's passkey it is.

    The challenge is used up in any case, if the caller commits.

    Raises:
        KeyRefusedError: the answer is not right in whatever way. Whoever calls this records it.
    """
    from packslip.accounts import key_ceremonies  # noqa: PLC0415 - start-up time

    taken = take_challenge(session, challenge)
    try:
        signed = key_ceremonies.read_signed(credential)
    except key_ceremonies.AnswerError:
        raise KeyRefusedError("an answer that cannot be read", user) from None
    key = _find_key(session, signed.credential_id)
    if key is None or (user is not None and key.user_id != user.id):
        raise KeyRefusedError("an unknown key", user)
    owner = key.user
    if taken is None:
        raise KeyRefusedError("an expired challenge", owner)
    # Only a passkey has to say whose it is.
    if (user is None or signed.handle) and signed.handle != key_ceremonies.handle_of(owner):
        raise KeyRefusedError("a key that names another user", owner)
    try:
        count = key_ceremonies.verify_signed(party, signed, key, taken, alone=user is None)
    except key_ceremonies.AnswerError:
        raise KeyRefusedError("a wrong signature", owner) from None
    queries.lock_user(session, owner.id)
    if owner.disabled_at is not None:
        raise KeyRefusedError("a disabled account", owner)
    _note_use(session, key, count)
    return owner


def _find_key(session: Session, credential_id: str) -> SecurityKey | None:
    return session.scalar(
        select(SecurityKey)
        .where(SecurityKey.credential_id == credential_id)
        .options(joinedload(SecurityKey.user))
    )


def _read_new_key(party: RelyingParty, credential: str, challenge: bytes | None) -> NewKey:
    from packslip.accounts import key_ceremonies  # noqa: PLC0415 - start-up time

    if challenge is None:
        raise KeyNotAddedError
    try:
        return key_ceremonies.read_new_key(party, credential, challenge)
    except key_ceremonies.AnswerError:
        raise KeyNotAddedError from None


def _note_use(session: Session, key: SecurityKey, sign_count: int) -> None:
    # Keys that do not count always say zero (Web Authentication, 6.1.1).
    counted = SecurityKey.sign_count < sign_count
    if sign_count == 0:
        counted = SecurityKey.sign_count == 0
    done = session.execute(
        update(SecurityKey)
        .where(SecurityKey.id == key.id, counted)
        .values(sign_count=sign_count, last_used_at=datetime.now(UTC))
        .returning(SecurityKey.id)
    )
    if done.first() is None:
        raise CopiedKeyError(key.user)
