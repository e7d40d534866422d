"""What a server and an application say to each other of answers that need no thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

#: A whole answer, and whether the connection is kept after it.
Answer = tuple[bytes, bool]

T = TypeVar("T")


class Loop(Protocol):
    """The loop of a server's thread. All of this happens in that thread, `work` excepted."""

    def watch(self, descriptor: int, on_ready: Callable[[], None]) -> None:
        """Call back whenever there is something to read."""

    def forget(self, descriptor: int) -> None:
        """Do so no longer."""

    def in_thread(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work elsewhere, then go on with what came of it. It must not fail."""


class Later:
    """The promise of an answer for which the loop need not wait."""

    __slots__ = ("_then", "answer", "is_given")

    def __init__(self) -> None:
        self.is_given = False
        self.answer: Answer | None = None
        self._then: Callable[[Answer | None], None] | None = None

    def give(self, answer: Answer | None) -> None:
        """Give the answer, or None if a thread is to find it."""
        self.is_given, self.answer = True, answer
        if self._then is not None:
            self._then(answer)

    def tell(self, then: Callable[[Answer | None], None]) -> None:
        """Have the answer told when it is given."""
        self._then = then

    def give_up(self) -> None:
        """Say that nobody waits for it any more."""
        self.is_given, self._then = True, None


class Answerer(Protocol):
    """Answers requests without a thread, where it can."""

    def attach(self, loop: Loop) -> None:
        """Work with that loop, in its thread, from now on."""

    def answer(self, received: bytes, address: str) -> Answer | Later | None:
        """The answer to what came from a client at that address, if it is a whole request.

        None if there is none; a thread then sees to it. It does not wait.
        """

    def after_round(self) -> None:
        """See to what is left, after all that has come was seen to."""
