"""Waiting that grows with failures to prove who one is.

Failures are counted per account, which is the name as it was typed whether there is such a user or
not, and per network of the client. The counts are in the database, so all workers and nodes share
them; each change is a short transaction of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import Throttle
from packslip.db import add_if_new
from packslip.errors import TooOftenError

#: With so many failures waiting begins. People mistype a password some times, and many people
#: may share one network.
ACCOUNT_PATIENCE = 10
NETWORK_PATIENCE = 50

#: The first wait; each further failure doubles it.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)

#: Failures older than this are forgotten.
MEMORY = timedelta(hours=1)

#: Leading bits of an address that make its network: what one customer of a provider has.
_NETWORK_BITS = {4: 32, 6: 64}


class TooManyFailuresError(TooOftenError):
    """So many attempts failed that the next one has to wait, whatever it would bring."""

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        unit = "second" if seconds == 1 else "seconds"
        super().__init__(f"Too many attempts failed. Try again in {seconds} {unit}.", seconds)


@dataclass(frozen=True)
class Attempt:
    """What an attempt is counted for: the keys of an account and of a network."""

    account: str
    network: str | None

    @property
    def patience(self) -> dict[str, int]:
        """With how many failures waiting begins, for each key; always in this order."""
        # All transactions lock the rows in the same order, so that none waits for another in turn.
        counted = {self.account: ACCOUNT_PATIENCE}
        return counted if self.network is None else counted | {self.network: NETWORK_PATIENCE}


def attempt_by(name: str, ip_address: str | None) -> Attempt:
    """An attempt to be whoever has this name, from this address."""
    network = _network(ip_address)
    return Attempt(
        account=f"account:{_hash(name.strip().lower())}",
        network=None if network is None else f"network:{_hash(network)}",
    )


def require_turn(session: Session, attempt: Attempt) -> None:
    """Allow the attempt.

    Raises:
        TooManyFailuresError: the account or the network has to wait.
    """
    statement = select(Throttle.blocked_until).where(Throttle.key.in_(attempt.patience))
    now = datetime.now(UTC)
    waits = [until - now for until in session.scalars(statement) if until and until > now]
    if waits:
        raise TooManyFailuresError(max(waits))


def require_turn_alone(session: Session, attempt: Attempt) -> None:
    """The same, and nobody else's turn until the transaction ends, which must be for writing.

    Raises:
        TooManyFailuresError: the account or the network has to wait.
    """
    for key in attempt.patience:
        _locked(session, key)
    require_turn(session, attempt)


def count_failure(session: Session, attempt: Attempt) -> None:
    """Count that the attempt failed, and let the next one wait once there were too many."""
    now = datetime.now(UTC)
    begin = (now - MEMORY).timestamp()
    for key, patience in attempt.patience.items():
        row = _locked(session, key)
        row.failed_at = [*(moment for moment in row.failed_at if moment > begin), now.timestamp()]
        row.failures = len(row.failed_at)
        row.last_failure_at = now
        row.blocked_until = _blocked_until(now, row.failures - patience)
    session.flush()
    # Last, when this transaction waits for no other one any more.
    _forget_old(session, now)


def has_failures(session: Session, attempt: Attempt) -> bool:
    """Whether failures of the account are known."""
    return session.get(Throttle, attempt.account) is not None


def forget_failures(session: Session, attempt: Attempt) -> None:
    """Forget the failures of the account, because somebody proved that it is theirs.

    Those of the network stay: one who has an account could otherwise try others' without end.
    """
    session.execute(delete(Throttle).where(Throttle.key == attempt.account))


def _locked(session: Session, key: str) -> Throttle:
    """The row of that key, made if there is none, and nobody else's until the transaction ends."""
    while (row := session.get(Throttle, key, with_for_update=True)) is None:
        add_if_new(session, Throttle(key=key, last_failure_at=datetime.now(UTC)))
    return row


def _blocked_until(now: datetime, excess: int) -> datetime | None:
    if excess < 0:
        return None
    doubled: int = 2 ** min(excess, 10)
    return now + min(FIRST_WAIT * doubled, LONGEST_WAIT)


def _forget_old(session: Session, now: datetime) -> None:
    # What another transaction is just counting is left alone: it may wait for rows of this one.
    old = (
        select(Throttle.key)
        .where(
            or_(*(Throttle.key.startswith(f"{kind}:") for kind in ("account", "network"))),
            Throttle.last_failure_at < now - MEMORY,
        )
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(Throttle).where(Throttle.key.in_(old)))


def _network(ip_address: str | None) -> str | None:
    try:
        # What follows a percent sign names an interface of this machine (RFC 4007).
        address = ipaddress.ip_address((ip_address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, _NETWORK_BITS[address.version]), strict=False))


def _hash(text: str) -> str:
    # With a key, since passwords that were typed as names could otherwise be guessed from it.
    key = str(current_app.secret_key).encode()
    return hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
