"""Who yanked a release, as the audit log tells it of the time before notes did that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from packslip.packages.version_ranges import parse_range
from packslip.packages.versions import parse_version

#: Within this time an import recorded that it had come to its end.
IMPORT_TIME = timedelta(minutes=1)


class LoggedEvent(Protocol):
    """A row of the audit log."""

    @property
    def action(self) -> str:
        """What was done."""

    @property
    def actor_id(self) -> int | None:
        """The user; None for a command."""

    @property
    def created_at(self) -> datetime:
        """When."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What it was about."""


@dataclass(frozen=True)
class Yank:
    """A yank that a person made."""

    #: None for whoever ran a command.
    user_id: int | None
    at: datetime
    #: The release alone.
    version_range: str | None


@dataclass(frozen=True)
class LastWord:
    """What stands of all that was said about a release."""

    #: The yank in force that a person made; None when it is upstream's word, or nobody knows.
    by: Yank | None
    #: Whether an import said that it is yanked, and with what reason.
    upstream: tuple[bool, str | None]


def last_word(events: Sequence[LoggedEvent], version: str, reason: str | None) -> LastWord:
    """Who has yanked the release, that is yanked for the reason, by the package's events in order.

    When the log does not account for the reason, it is taken for upstream's word.
    """
    upstream: tuple[bool, str | None] = (False, None)
    by: Yank | None = None
    said: str | None = None
    for place, event in enumerate(events):
        if event.data.get("version") != version:
            continue
        if event.action == "release.unyank":
            upstream, by = (False, None), None
        elif event.action == "release.yank":
            said = _reason(event.data.get("after"))
            if _is_of_import(events, place):
                upstream, by = (True, said), None
                continue
            before = event.data.get("before")
            if by is None and isinstance(before, dict) and before.get("yanked"):
                upstream = (True, _reason(before))
            exact = f"=={version}" if parse_version(version) else f"==={version}"
            by = Yank(event.actor_id, event.created_at, parse_range(exact))
    if by is None or said != reason:
        return LastWord(None, (True, reason))
    return LastWord(by, upstream)


def _reason(state: object) -> str | None:
    found = state.get("reason") if isinstance(state, dict) else None
    return found if isinstance(found, str) else None


def _is_of_import(events: Sequence[LoggedEvent], place: int) -> bool:
    """Whether the yank was one of an import, which records its own end after what it changed."""
    yank = events[place]
    if yank.actor_id is not None:
        return False
    following = next((one for one in events[place + 1 :] if one.action != "release.yank"), None)
    return (
        following is not None
        and following.action == "package.import"
        and following.actor_id is None
        and following.created_at - yank.created_at < IMPORT_TIME
    )
