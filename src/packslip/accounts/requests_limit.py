"""How often something may be asked for that costs others time, such as a mail."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import Throttle
from packslip.db import add_if_new
from packslip.errors import TooOftenError

#: This many requests are taken before the window must pass without any.
LIMIT = 5
WINDOW = timedelta(minutes=15)

#: How long a row stays that counts nothing any more.
_KEPT = timedelta(days=1)


class TooManyRequestsError(TooOftenError):
    """It was asked for too often by somebody, or from their network."""

    def __init__(self, wait: timedelta) -> None:
        minutes = math.ceil(wait.total_seconds() / 60)
        super().__init__(
            f"That was asked for too often. Try again in {minutes}"
            f" {'minute' if minutes == 1 else 'minutes'}.",
            math.ceil(wait.total_seconds()),
        )


def note_request(
    session: Session,
    what: str,
    who: str | None,
    *,
    limit: int = LIMIT,
    window: timedelta = WINDOW,
) -> None:
    """Count a request, unless `limit` were made within the window, in whatever process.

    `who` asks is a client address, of which IPv6 networks count as one, or another text.

    Raises:
        TooManyRequestsError: it was asked for too often.
    """
    now = datetime.now(UTC)
    row = _locked(session, what, who or "", now)
    if row.blocked_until is not None and now < row.blocked_until:
        raise TooManyRequestsError(row.blocked_until - now)
    if row.blocked_until is not None or now - row.last_failure_at >= window:
        row.failures, row.blocked_until = 0, None
    row.failures += 1
    row.last_failure_at = now
    if row.failures >= limit:
        row.blocked_until = now + window
    session.flush()
    _clear_up(session, what, now)


def _locked(session: Session, what: str, who: str, now: datetime) -> Throttle:
    key = f"{what}:{hashlib.sha256(_network(who).encode()).hexdigest()}"
    while (row := session.get(Throttle, key, with_for_update=True)) is None:
        add_if_new(session, Throttle(key=key, failures=0, last_failure_at=now))
    return row


def _network(who: str) -> str:
    try:
        address = ipaddress.ip_address(who)
    except ValueError:
        return who
    if isinstance(address, ipaddress.IPv4Address):
        return who
    # One household or server has so many addresses that counting each would count nothing.
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def _clear_up(session: Session, what: str, now: datetime) -> None:
    stale = (
        select(Throttle.key)
        .where(
            Throttle.key.startswith(f"{what}:"),
            Throttle.last_failure_at < now - _KEPT,
            or_(Throttle.blocked_until.is_(None), Throttle.blocked_until < now),
        )
        .limit(100)
        # What another one is just clearing up is no reason to wait.
        .with_for_update(skip_locked=True)
    )
    keys = session.scalars(stale).all()
    if keys:
        session.execute(delete(Throttle).where(Throttle.key.in_(keys)))
