"""Places for threads that wait for upstreams, so that some are left for what is hosted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from packslip.errors import UnavailableError

#: Threads of one process that may wait at once. `packslip serve` has more.
MOST_WAITING = 64

#: Seconds for which one more waits for a place.
_PATIENCE = 0.5

_places = threading.BoundedSemaphore(MOST_WAITING)


@contextmanager
def a_place() -> Iterator[None]:
    """Have a place for the block.

    Raises:
        UnavailableError: there is none.
    """
    if not _places.acquire(timeout=_PATIENCE):
        raise UnavailableError("Too many are waiting for upstream. Please try again.")
    try:
        yield
    finally:
        _places.release()
