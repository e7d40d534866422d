"""A server's loop that tests turn by hand."""

from __future__ import annotations

from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector
from typing import TypeVar

from packslip.web.at_once import Answer, Answerer, Later

T = TypeVar("T")


class HandLoop:
    """Waits only when it is told to."""

    def __init__(self) -> None:
        self._selector = DefaultSelector()

    def watch(self, descriptor: int, on_ready: Callable[[], None]) -> None:
        self._selector.register(descriptor, EVENT_READ, on_ready)

    def forget(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def in_thread(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        then(work())

    def turn(self) -> None:
        """Wait until something has come, and see to it."""
        events = self._selector.select(10)
        assert events, "nothing came"
        for key, _ in events:
            key.data()

    def wait_for(self, answerer: Answerer, answer: Answer | Later | None) -> Answer | None:
        """What came of an answer, at once or later."""
        if not isinstance(answer, Later):
            return answer
        answerer.after_round()
        while not answer.is_given:
            self.turn()
        return answer.answer
