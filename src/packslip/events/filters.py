"""From what people type to the events that they want."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime, timedelta

from packaging.utils import canonicalize_name

from packslip.errors import InvalidError
from packslip.events.queries import EventFilter, actions_of


class MomentError(InvalidError):
    """It is neither a day nor a moment."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{text!r} is neither a day, as 2026-01-31, nor 2026-01-31T08:00 (UTC).")
        self.field = field


class AddressError(InvalidError):
    """It is no network address."""

    field = "address"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no network address, such as 192.0.2.1.")


def read_filter(
    *,
    actor: str = "",
    package: str = "",
    action: str = "",
    address: str = "",
    since: str = "",
    until: str = "",
) -> EventFilter:
    """The filter that is meant; what is empty does not filter.

    `since` and `until` are days, both of which are included, or moments in ISO 8601, in UTC where
    they do not say.

    Raises:
        ActionError: no event has the action.
        AddressError: the address is none.
        MomentError: `since` or `until` is neither a day nor a moment.
    """
    action = action.strip()
    if action:
        actions_of(action)
    return EventFilter(
        actor=actor.strip().lower() or None,
        package=canonicalize_name(package.strip()) or None,
        action=action or None,
        address=_address(address.strip()),
        since=_moment("since", since.strip(), timedelta(0)),
        until=_moment("until", until.strip(), timedelta(days=1)),
    )


def _address(text: str) -> str | None:
    try:
        # Events hold them as the server writes them.
        return str(ipaddress.ip_address(text)) if text else None
    except ValueError:
        raise AddressError(text) from None


def _moment(field: str, text: str, day: timedelta) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment + day if _is_day(text) else moment
    except (ValueError, OverflowError):
        raise MomentError(field, text) from None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
