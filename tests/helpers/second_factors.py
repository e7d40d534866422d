"""Users with second factors; each is committed."""

from __future__ import annotations

import time

import pyotp
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR

from packslip.accounts import factor_operations
from packslip.accounts.models import User
from packslip.db import write_transaction


def add_authenticator(session: Session, user: User) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator, whose code of this time step is used up, and the recovery codes."""
    with write_transaction(session):
        totp = pyotp.TOTP(factor_operations.begin_totp(session, user))
    with write_transaction(session):
        code = totp.at(time.time())
        return totp, factor_operations.confirm_totp(session, ACTOR, user, code)


def next_code(totp: pyotp.TOTP) -> str:
    """The code of the next time step, which is taken already: clocks may be off."""
    return totp.at(time.time(), counter_offset=1)
