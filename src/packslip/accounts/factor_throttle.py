"""How often a second factor may be guessed: for somebody who already knows the password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from packslip.accounts.models import Throttle, User
from packslip.errors import TooOftenError

#: How many wrong codes cost nothing.
FREE = 10

#: After so long without another one they are forgotten. Together with the waits it leaves a guesser
#: some thirty codes a day, of which one in 300 000 is right.
MEMORY = timedelta(days=1)

#: How long the first one after them makes wait; each further one doubles it.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


class TooManyCodesError(TooOftenError):
    """Too many wrong codes were given for one account."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"Too many wrong codes were given. Wait {_in_words(retry_after)}.", retry_after
        )


def require_patience(session: Session, user: User) -> None:
    """Refuse even a right code while there were too many wrong ones; call it under the user's lock.

    Raises:
        TooManyCodesError: the user has to wait.
    """
    row = session.get(Throttle, _key(user), populate_existing=True)
    if row is None or row.blocked_until is None:
        return
    left = (row.blocked_until - datetime.now(UTC)).total_seconds()
    if left > 0:
        raise TooManyCodesError(int(left) + 1)


def count_wrong_code(session: Session, user: User) -> None:
    """Write down that a wrong code was given for the user; call it under the user's lock."""
    now = datetime.now(UTC)
    row = session.get(Throttle, _key(user), populate_existing=True)
    if row is None:
        row = Throttle(key=_key(user), failures=0, last_failure_at=now)
        session.add(row)
    elif now - row.last_failure_at > MEMORY:
        row.failures = 0
    row.failures += 1
    row.last_failure_at = now
    over = row.failures - FREE
    if over >= 0:
        row.blocked_until = now + min(FIRST_WAIT * 2 ** min(over, 10), LONGEST_WAIT)
    session.flush()


def forget_wrong_codes(session: Session, user: User) -> None:
    """Begin to count anew: the user has proved who they are."""
    session.execute(delete(Throttle).where(Throttle.key == _key(user)))


def _key(user: User) -> str:
    return f"second-factor:{user.id}"


def _in_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
