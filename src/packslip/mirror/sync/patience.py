"""Asking again when upstream fails for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from packslip.errors import StorageFullError, UnavailableError
from packslip.mirror.errors import (
    KnownFailureError,
    UpstreamAnswerError,
    UpstreamFailedError,
    UpstreamSlowError,
)
from packslip.mirror.following import NothingCameError
from packslip.mirror.transfer import BrokenOffError

T = TypeVar("T")

log = structlog.get_logger(__name__)

#: What may be otherwise in a moment.
_PASSING = (
    UpstreamFailedError,
    UpstreamSlowError,
    KnownFailureError,
    NothingCameError,
    BrokenOffError,
    UnavailableError,
)

#: Seconds between two attempts; for as long nobody asks an upstream that has just failed.
_PAUSE = 11.0


class InterruptedSyncError(UnavailableError):
    """Whoever wanted it does not want it any more."""

    def __init__(self) -> None:
        super().__init__("The synchronisation was interrupted.")


class Patience:
    """Says how long a run asks again: until nothing has worked for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._worked_at = time.monotonic()
        self._stopping = threading.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether all is to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End all that is under way, as soon as may be."""
        self._stopping.set()

    def attempt(self, work: Callable[[], T]) -> T:
        """Give what the work gives, or raise what it raises at last.

        Raises:
            InterruptedSyncError: all is to end.
        """
        while True:
            if self.is_stopping:
                raise InterruptedSyncError
            try:
                result = work()
            except _PASSING as error:
                if not self._may_wait(error):
                    raise
                log.info("upstream is asked again in a moment", reason=error.reason)
            else:
                with self._lock:
                    self._worked_at = time.monotonic()
                return result
            self._stopping.wait(_PAUSE)

    def _may_wait(self, error: Exception) -> bool:
        if isinstance(error, InterruptedSyncError | UpstreamAnswerError | StorageFullError):
            return False
        with self._lock:
            return time.monotonic() + _PAUSE < self._worked_at + self._seconds
