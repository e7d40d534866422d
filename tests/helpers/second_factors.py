"""Users with second factors; each is committed."""

from __future__ import annotations

import time

import pyotp
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR

from packslip.accounts import factor_operations
from packslip.accounts.models import User
from packslip.db import write_transaction


class Authenticator:
    """What shows codes for a secret.

    Its clock stands still, so that a test means the same codes however long it takes. The code of
    its time step is for adding it, the one after that for a log-in: clocks may be off by a step.
    """

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret.replace(" ", ""))
        self._step = int(time.time()) // 30

    def code(self, later: int = 0) -> str:
        """The code of its time step, or of one so many steps later."""
        return self._totp.generate_otp(self._step + later)


def add_authenticator(session: Session, user: User) -> tuple[Authenticator, list[str]]:
    """An authenticator, whose first code is used up, and the recovery codes."""
    with write_transaction(session):
        device = Authenticator(factor_operations.begin_totp(session, user))
    with write_transaction(session):
        return device, factor_operations.confirm_totp(session, ACTOR, user, device.code())
