"""Whose yanks those are that the audit log tells of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Event
from typing import Any

from packslip.packages.yank_history import LastWord, Yank, last_word

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(seconds: float, action: str, by: int | None = None, **data: Any) -> Any:
    at = START + timedelta(seconds=seconds)
    return Event(action=action, actor_id=by, created_at=at, data={"version": "1.0"} | data)


def yanked(seconds: float, reason: str | None, by: int | None = None, **data: Any) -> Any:
    after = {"yanked": True, "reason": reason}
    return event(seconds, "release.yank", by, after=after, **data)


def word(reason: str | None, *events: Any) -> LastWord:
    return last_word(events, "1.0", reason)


def test_a_yank_by_a_person_or_a_command_is_theirs() -> None:
    for by in (7, None):
        found = word("bad", yanked(0, "bad", by))
        assert found == LastWord(Yank(by, START, "==1.0"), (False, None))


def test_a_yank_within_an_import_is_upstreams() -> None:
    ended = event(1, "package.import", version=None)
    assert word("bad", yanked(0, "bad"), ended) == LastWord(None, (True, "bad"))
    # A command, long before some import.
    later = event(90, "package.import", version=None)
    assert word("bad", yanked(0, "bad"), later).by is not None


def test_what_the_log_does_not_account_for_is_upstreams() -> None:
    assert word("bad") == LastWord(None, (True, "bad"))
    assert word("bad", yanked(0, "other", 7)) == LastWord(None, (True, "bad"))
    assert word("bad", yanked(0, "bad", 7, version="2.0")) == LastWord(None, (True, "bad"))
    back = event(1, "release.unyank", 7)
    assert word("bad", yanked(0, "bad", 7), back) == LastWord(None, (True, "bad"))


def test_upstreams_own_reason_stays_beside_that_of_a_person() -> None:
    before = {"yanked": True, "reason": "theirs"}
    found = word("ours", yanked(5, "ours", 7, before=before))
    assert found.upstream == (True, "theirs")
    assert found.by is not None
