"""Asking again when upstream fails for a moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from packslip.errors import PackslipError
from packslip.mirror.errors import UpstreamAnswerError, UpstreamFailedError
from packslip.mirror.sync import patience
from packslip.mirror.sync.patience import InterruptedSyncError, Patience


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PAUSE", 0.001)


def failing(times: int, error: PackslipError) -> tuple[list[int], Callable[[], str]]:
    attempts: list[int] = []

    def work() -> str:
        attempts.append(1)
        if len(attempts) <= times:
            raise error
        return "done"

    return attempts, work


def test_it_is_asked_again_while_there_is_patience() -> None:
    down = UpstreamFailedError("up", "down")
    attempts, work = failing(3, down)
    assert Patience(60).attempt(work) == "done"
    assert len(attempts) == 4
    attempts, work = failing(3, down)
    with pytest.raises(UpstreamFailedError):
        Patience(0).attempt(work)
    assert len(attempts) == 1


def test_what_will_not_change_is_not_asked_again() -> None:
    attempts, work = failing(1, UpstreamAnswerError("up", "no list"))
    with pytest.raises(UpstreamAnswerError):
        Patience(60).attempt(work)
    assert len(attempts) == 1


def test_nothing_begins_once_all_is_to_end() -> None:
    impatience = Patience(60)
    impatience.stop()
    attempts, work = failing(0, UpstreamFailedError("up", "down"))
    with pytest.raises(InterruptedSyncError):
        impatience.attempt(work)
    assert not attempts
