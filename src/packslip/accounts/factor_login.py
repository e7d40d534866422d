"""From a second factor, or a passkey alone, to a browser that is logged in."""

from __future__ import annotations

import structlog
from flask import flash, request
from werkzeug import Response

from packslip import db
from packslip.accounts.factor_operations import (
    LostAuthenticatorError,
    WrongCodeError,
    check_code,
    note_failure,
)
from packslip.accounts.factor_throttle import count_wrong_code
from packslip.accounts.key_requests import current_party, pop_challenge
from packslip.accounts.local_login import require_local_login
from packslip.accounts.login_flow import log_in, pending_method
from packslip.accounts.models import User
from packslip.accounts.recovery_codes import count_recovery_codes
from packslip.accounts.security_keys import KeyRefusedError, check_key
from packslip.events.operations import Actor

log = structlog.get_logger(__name__)


def log_in_with_code(user: User, code: str) -> Response:
    """Log the user in, who proved something before, if the code is right; record it if not.

    Raises:
        WrongCodeError: the code is wrong, or was used before.
        LostAuthenticatorError: nobody can tell, because the secret key has changed.
        TooManyCodesError: too many codes were wrong.
    """
    actor = Actor(user.username, user_id=user.id, ip_address=request.remote_addr)
    before = pending_method()
    fault: WrongCodeError | LostAuthenticatorError | None = None
    with db.write_transaction(db.session()) as session:
        try:
            kind = check_code(session, actor, user, code)
        except WrongCodeError as error:
            fault = error
            count_wrong_code(session, user)
            note_failure(session, _stranger(), user, f"{before} and code", "a wrong code")
        except LostAuthenticatorError as error:
            fault = error
            note_failure(session, _stranger(), user, f"{before} and code", "another secret key")
    if fault is not None:
        raise fault
    response = log_in(user, f"{before} and {kind}")
    if kind == "recovery code":
        # Only now: a log-in empties the cookie first.
        left = count_recovery_codes(db.session(), user)
        flash(f"This recovery code is used up. You have {left} left.")
    return response


def log_in_with_key(user: User | None, credential: str) -> Response:
    """Log in the user, who proved something before, or whoever has this passkey; record failures.

    Raises:
        KeyRefusedError: the key did not prove it.
        ProviderOnlyError: passkeys are for admins alone here.
    """
    method = "passkey" if user is None else f"{pending_method()} and security key"
    fault: KeyRefusedError | None = None
    with db.write_transaction(db.session()) as session:
        try:
            owner = check_key(
                session,
                current_party(),
                credential=credential,
                challenge=pop_challenge(),
                user=user,
            )
        except KeyRefusedError as error:
            fault = error
            # Anybody can send an unknown key; that is no event of any account.
            log.info("a security key was refused", cause=error.cause)
            if error.user is not None:
                note_failure(session, _stranger(), error.user, method, error.cause)
    if fault is not None:
        raise fault
    if user is None:
        require_local_login(owner)
    return log_in(owner, method)


def _stranger() -> Actor:
    # No username holds a space.
    return Actor("not logged in", ip_address=request.remote_addr)
