"""The reasons for which Packslip refuses something.

Every error carries one sentence that is fit for a person, a log line and an HTTP reason phrase.
A domain derives its own classes from the kinds below; `packslip.web.errors` gives each kind its
status, and nobody else does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class PackslipError(Exception):
    """Something was refused or failed, with one plain sentence that says why."""

    #: Paths that may help, each with its words; pages for people show them.
    links: Sequence[tuple[str, str]] = ()

    #: What programs may want to know beside the sentence: further members of problem details.
    details: Mapping[str, Any] = {}

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SettingsError(PackslipError):
    """The settings are wrong; `faults` names every one of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class InvalidError(PackslipError):
    """What was sent is faulty: a file, a field, a value."""

    #: The form field that is at fault, where there is one.
    field: str | None = None


class NotFoundError(PackslipError):
    """There is no such thing, or not for this person."""


class UnauthenticatedError(PackslipError):
    """Credentials are needed and none were given."""


class NotAllowedError(PackslipError):
    """The credentials do not allow this, or are wrong."""


class NotAcceptableError(PackslipError):
    """None of the forms that the client accepts can be given."""


class GoneError(PackslipError):
    """An address or action that indexes once had, and that was retired."""


class ConflictError(PackslipError):
    """Somebody else changed it meanwhile."""


class PreconditionFailedError(PackslipError):
    """It is not any more as whoever sent this takes it to be."""


class PreconditionNeededError(PackslipError):
    """It is changed only for those who say from which state they start."""


class TooLargeError(PackslipError):
    """What was sent is larger than a stated limit."""


class UnavailableError(PackslipError):
    """It cannot be done now; trying again later may help."""


class BadGatewayError(PackslipError):
    """A server elsewhere, on which the answer depends, gave none that can be used."""


class GatewayTimeoutError(PackslipError):
    """A server elsewhere, on which the answer depends, did not answer in time."""


class TooOftenError(PackslipError):
    """It was tried too often; `retry_after` tells after how many seconds it can be tried again."""

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class StorageFullError(UnavailableError):
    """There is no room left for the bytes."""
