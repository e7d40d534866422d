"""What time it is, asked when a test runs: a whole run may go on past midnight."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

#: Longer than a test needs from when it asks for the day until what it tests has asked, too.
MARGIN = timedelta(seconds=3)


def now() -> datetime:
    return datetime.now(UTC)


def today() -> date:
    return now().date()


def wait_out_midnight() -> None:
    """Return at a moment after which the day stays the same for `MARGIN`."""
    while (now() + MARGIN).date() != today():
        time.sleep(0.1)
