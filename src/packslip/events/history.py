"""Lists of events as pages show them: the newest first, older ones on the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import request

from packslip.events.models import Event
from packslip.events.words import describe_act

#: Events on a page.
PAGE = 50

_MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class Entry:
    """One event in words."""

    at: datetime
    who: str
    what: str
    address: str | None


@dataclass(frozen=True)
class History:
    """A page of events; `templates/history.html` shows it."""

    entries: Sequence[Entry]
    #: The address of the next page; None when this is the last one.
    older: str | None
    #: The address of the first page; None when this is it.
    newest: str | None


def read_history(
    read: Callable[[int | None, int], Sequence[Event]],
    *,
    show_address: Callable[[Event], bool] = lambda event: True,
    path: str | None = None,
) -> History:
    """The page of events that the request's `?before=` asks for.

    `read` is given the event's number before which they shall be, or None, and how many at most;
    `show_address` says from which events readers may learn the network address. Links to other
    pages go to `path`, or to the request's, and keep what else was asked for.
    """
    before = _asked_before()
    events = read(before, PAGE + 1)
    shown = events[:PAGE]
    entries = [
        Entry(
            at=event.created_at,
            who=event.actor_name,
            what=describe_act(event),
            address=event.ip_address if show_address(event) else None,
        )
        for event in shown
    ]
    path = path or request.path
    older = _address(path, shown[-1].id) if len(events) > PAGE else None
    return History(entries, older, newest=None if before is None else _address(path, None))


def _asked_before() -> int | None:
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= _MAX_ID else None


def _address(path: str, before: int | None) -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "before"]
    query = urlencode(asked if before is None else [*asked, ("before", before)])
    return f"{path}?{query}" if query else path
