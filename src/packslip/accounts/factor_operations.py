"""Changes to what a user needs beside the password, and the check of codes.

Operations lock the user's row first, so that of two requests at once each sees what the other did.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from packslip.accounts import factor_throttle, queries, totp
from packslip.accounts.models import SecurityKey, User
from packslip.accounts.recovery_codes import (
    looks_like_recovery_code,
    make_recovery_codes,
    remove_recovery_codes,
    use_recovery_code,
)
from packslip.accounts.sealing import BrokenSealError, seal, unseal
from packslip.accounts.second_factors import has_second_factor
from packslip.errors import InvalidError, NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mail.operations import enqueue


class FactorChange(StrEnum):
    """What users are told by mail, see `packslip.accounts.mails`."""

    AUTHENTICATOR_ADDED = "authenticator-added"
    AUTHENTICATOR_REMOVED = "authenticator-removed"
    KEY_ADDED = "key-added"
    KEY_REMOVED = "key-removed"
    CODES_RENEWED = "codes-renewed"
    CODE_USED = "code-used"
    ALL_REMOVED = "all-removed"


class TotpExistsError(InvalidError):
    """The user has an authenticator already."""

    def __init__(self) -> None:
        super().__init__("There is an authenticator already. Remove it before you add another.")


class TotpMissingError(InvalidError):
    """Nothing was begun that a code could confirm."""

    def __init__(self) -> None:
        super().__init__("There is no authenticator to confirm. Begin again.")


class CodeMismatchError(InvalidError):
    """The code is not the one that the new authenticator should show now."""

    field = "code"

    def __init__(self) -> None:
        super().__init__(
            "This is not the code that belongs to the secret above. Type the one that is shown"
            " now, and see whether the clock of your device is right."
        )


class NoSecondFactorError(InvalidError):
    """Recovery codes replace a second factor, and the user has none."""

    def __init__(self) -> None:
        super().__init__("Recovery codes come with a second factor. Add one first.")


class WrongCodeError(NotAllowedError):
    """The code is no current code of the user's authenticator and none of the recovery codes."""

    def __init__(self) -> None:
        super().__init__("This code is wrong, or was used before.")


class LostAuthenticatorError(NotAllowedError):
    """The user's authenticator may be right, but nobody can tell any more."""

    def __init__(self) -> None:
        super().__init__(
            "Codes of your authenticator cannot be checked any more, because this index has got"
            " another secret key. Use a security key or a recovery code."
        )


class DisabledUserError(NotAllowedError):
    """The user was disabled meanwhile."""

    def __init__(self) -> None:
        super().__init__("This account is disabled.")


def begin_totp(session: Session, user: User) -> str:
    """Give the user's next authenticator its secret. It counts once `confirm_totp` saw a code.

    Raises:
        TotpExistsError: the user has an authenticator.
    """
    lock_user(session, user)
    if user.totp_confirmed_at is not None:
        raise TotpExistsError
    secret = totp.new_secret()
    user.totp_secret, user.totp_last_step = seal(secret), None
    session.flush()
    return secret


def unconfirmed_totp(user: User) -> str:
    """The secret that `begin_totp` gave.

    Raises:
        TotpMissingError: none was given, it is confirmed, or it cannot be read any more.
    """
    if user.totp_secret is None or user.totp_confirmed_at is not None:
        raise TotpMissingError
    try:
        return unseal(user.totp_secret)
    except BrokenSealError:
        raise TotpMissingError from None


def is_readable(user: User) -> bool:
    """Whether the user's authenticator can be checked: not after the secret key has changed."""
    try:
        unseal(user.totp_secret or "")
    except BrokenSealError:
        return False
    return True


def confirm_totp(session: Session, actor: Actor, user: User, code: str) -> list[str]:
    """Add the authenticator that shows this code; give recovery codes if it is the first factor.

    Raises:
        CodeMismatchError: it shows other codes.
        TotpMissingError: `begin_totp` was not called, or the authenticator is confirmed.
    """
    lock_user(session, user)
    secret = unconfirmed_totp(user)
    now = datetime.now(UTC)
    step = totp.matching_step(secret, code, now, after=None)
    if step is None:
        raise CodeMismatchError
    is_first = not has_second_factor(session, user)
    user.totp_confirmed_at, user.totp_last_step = now, step
    note_change(session, actor, Action.TOTP_ADD, user)
    tell(session, actor, user, FactorChange.AUTHENTICATOR_ADDED)
    return first_recovery_codes(session, actor, user) if is_first else []


def remove_totp(session: Session, actor: Actor, user: User) -> None:
    """Remove the user's authenticator; without one, nothing happens."""
    lock_user(session, user)
    was_there = user.totp_confirmed_at is not None
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    session.flush()
    if was_there:
        note_change(session, actor, Action.TOTP_REMOVE, user)
        tell(session, actor, user, FactorChange.AUTHENTICATOR_REMOVED)
        after_removal(session, user)


def renew_recovery_codes(session: Session, actor: Actor, user: User) -> list[str]:
    """Give the user new recovery codes; the old ones are void.

    Raises:
        NoSecondFactorError: the user has no second factor that they could replace.
    """
    lock_user(session, user)
    if not has_second_factor(session, user):
        raise NoSecondFactorError
    tell(session, actor, user, FactorChange.CODES_RENEWED)
    return first_recovery_codes(session, actor, user)


def first_recovery_codes(session: Session, actor: Actor, user: User) -> list[str]:
    """Give the user recovery codes, within the change that makes the first second factor."""
    codes = make_recovery_codes(session, user)
    note_change(session, actor, Action.RECOVERY_CODES_CREATE, user, {"count": len(codes)})
    return codes


def remove_second_factors(session: Session, actor: Actor, user: User) -> int:
    """Remove every second factor of a user who lost them; give how many there were."""
    lock_user(session, user, even_disabled=True)
    had_totp = user.totp_confirmed_at is not None
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    if had_totp:
        note_change(session, actor, Action.TOTP_REMOVE, user)
    gone = delete(SecurityKey).where(SecurityKey.user_id == user.id).returning(SecurityKey.name)
    names = session.scalars(gone).all()
    for name in names:
        note_change(session, actor, Action.SECURITY_KEY_REMOVE, user, {"name": name})
    after_removal(session, user)
    factor_throttle.forget_wrong_codes(session, user)
    count = len(names) + had_totp
    if count:
        tell(session, actor, user, FactorChange.ALL_REMOVED)
    return count


def check_code(session: Session, actor: Actor, user: User, code: str) -> str:
    """Take a code of the user's authenticator or a recovery code, and say which it was.

    Neither can be taken again.

    Raises:
        WrongCodeError: it is neither. Whoever calls this records that with `note_failure`.
        LostAuthenticatorError: the authenticator's secret cannot be read any more.
        TooManyCodesError: too many codes were wrong.
    """
    lock_user(session, user)
    factor_throttle.require_patience(session, user)
    if looks_like_recovery_code(code):
        if not use_recovery_code(session, user, code):
            raise WrongCodeError
        note_change(session, actor, Action.RECOVERY_CODE_USE, user)
        tell(session, actor, user, FactorChange.CODE_USED)
        kind = "recovery code"
    else:
        _take_totp(user, code)
        kind = "code"
    factor_throttle.forget_wrong_codes(session, user)
    session.flush()
    return kind


def note_failure(session: Session, actor: Actor, user: User, method: str, reason: str) -> None:
    """Record that a second factor of the user was wrong."""
    data = {"method": method, "reason": reason}
    record(session, actor, Action.USER_LOG_IN_FAIL, subject_id=user.id, data=data)


def note_change(
    session: Session, actor: Actor, action: Action, user: User, data: dict[str, Any] | None = None
) -> None:
    """Record that something about the user's second factors is another than before."""
    data = {"username": user.username} | (data or {})
    record(session, actor, action, subject_id=user.id, data=data)


def tell(session: Session, actor: Actor, user: User, change: FactorChange) -> None:
    """Have the user told by mail what has changed, if mail can be sent."""
    if user.email is not None:
        data = {"username": user.username, "address": actor.ip_address, "change": change}
        enqueue(session, "second-factor-changed", user.email, data)


def after_removal(session: Session, user: User) -> None:
    """Make the recovery codes void if there is nothing left that they could replace."""
    session.flush()
    if not has_second_factor(session, user):
        remove_recovery_codes(session, user)


def lock_user(session: Session, user: User, *, even_disabled: bool = False) -> None:
    """Read the user again and keep others from changing them until the transaction ends.

    Raises:
        DisabledUserError: the user was disabled meanwhile.
    """
    queries.lock_user(session, user.id)
    if user.disabled_at is not None and not even_disabled:
        raise DisabledUserError


def _take_totp(user: User, code: str) -> None:
    if user.totp_secret is None or user.totp_confirmed_at is None:
        raise WrongCodeError
    try:
        secret = unseal(user.totp_secret)
    except BrokenSealError:
        raise LostAuthenticatorError from None
    step = totp.matching_step(secret, code, datetime.now(UTC), after=user.totp_last_step)
    if step is None:
        raise WrongCodeError
    user.totp_last_step = step
