"""Reading a file while it is fetched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from packslip.errors import GatewayTimeoutError, UnavailableError
from packslip.mirror.fetches import POLL, Fetches, current_fetches, mirror_folder
from packslip.mirror.file_queries import Wanted
from packslip.mirror.parts import Head, PartFile, Stage, part_path

#: Seconds after which a client is told that nothing came.
PATIENCE = 14.0

#: Bytes at the end of a file that wait until all of them are known to be right.
HELD_BACK = 64 * 1024

_BLOCK = 128 * 1024


class CutOffError(UnavailableError):
    """What was sent of a file turned out to be wrong; the client's connection ends here."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"The bytes of {filename} that were sent so far are given up.")


class NothingCameError(GatewayTimeoutError):
    """Nothing that could be sent of the file came in time."""

    def __init__(self, filename: str, seconds: float, size: int = 0) -> None:
        came = f"only {size} bytes" if size else "nothing"
        super().__init__(f"The mirror got {came} of {filename} within {seconds:.0f} s.")


class Following:
    """Reads a file while it is fetched. Close it at the end."""

    def __init__(self, fetches: Fetches, wanted: Wanted) -> None:
        self._fetches = fetches
        self.wanted = wanted
        self._part = PartFile(part_path(mirror_folder(), wanted.part_name))
        self._seen = self._part.head().attempt
        self._sent = 0
        #: What stands there belongs to this turn, once something was told or sent of it.
        self._turn: int | None = None
        #: What `begin` has read, so that nothing but a cut can come after it.
        self._first: tuple[bytes, bool] | None = None
        try:
            # Even if all bytes are there: whoever fetched them may have died before it kept them.
            self._lead()
        except BaseException:
            self._part.close()
            raise

    @property
    def length(self) -> int | None:
        """Bytes that the file has, as far as upstream says so."""
        return self._part.head().length

    @property
    def is_kept(self) -> bool:
        """Whether it was in the storage already: then it is to be read there."""
        return self._part.head().stage is Stage.KEPT

    def begin(self) -> None:
        """Wait until there is something to send, and have it ready.

        Whatever goes wrong until then can still be told to the client. The fetch goes on when
        nothing came in time, so that who asks again may be luckier.

        Raises:
            NothingCameError: nothing could be sent in time.
            PackslipError: the file could not be fetched.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            left = deadline - time.monotonic()
            head = self._wait(lambda head: self._sendable(head) > 0, left)
            if head is None:
                raise NothingCameError(self.wanted.filename, PATIENCE, self._part.size)
            if head.stage is Stage.KEPT or self._has_first(head):
                return

    def finish(self, seconds: float) -> bool:
        """Wait until all of it is known to be right; return whether that was in time.

        Raises:
            PackslipError: the file could not be fetched.
        """
        return self._wait(lambda head: False, seconds) is not None

    def keep(self, seconds: float) -> bool:
        """Wait until it is in the storage; return whether that was in time.

        Raises:
            PackslipError: the file could not be fetched.
        """
        if not self.finish(seconds):
            return False
        deadline = time.monotonic() + seconds
        # Whoever fetched it takes the name away when it is kept, or cannot be.
        while self._part.has_name and time.monotonic() < deadline:
            time.sleep(POLL)
        return not self._part.has_name

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Yield the file piece by piece, each with whether it is the last one.

        The end is held back until all bytes are known to be right.

        Raises:
            CutOffError: what was yielded is wrong.
            PackslipError: the file could not be fetched.
        """
        if self._first is not None:
            first, self._first = self._first, None
            yield first
            if first[1]:
                return
        yield from self._read()

    def close(self) -> None:
        """Stop reading; the fetch goes on."""
        self._part.close()

    def _has_first(self, head: Head) -> bool:
        """Read the first piece; False when it was given up meanwhile, which nobody has seen."""
        stop = self._sendable(head)
        data = next(iter(self._part.read(0, stop, _BLOCK)), b"")
        if self._part.head().turn != head.turn:
            return False
        if stop and not data:
            raise CutOffError(self.wanted.filename)
        self._turn, self._sent = head.turn, len(data)
        self._first = data, head.is_done and self._sent == stop
        return True

    def _read(self) -> Iterator[tuple[bytes, bool]]:
        while True:
            news = self._fetches.news(self.wanted)
            head = self._look()
            if head.stage is Stage.KEPT:
                raise CutOffError(self.wanted.filename)
            stop = self._sendable(head)
            for data in self._part.read(self._sent, stop, _BLOCK):
                if self._part.head().turn != head.turn:
                    raise CutOffError(self.wanted.filename)
                self._turn = head.turn
                self._sent += len(data)
                yield data, head.is_done and self._sent == stop
            if head.is_done:
                if self._sent < stop:
                    raise CutOffError(self.wanted.filename)
                if not stop:
                    yield b"", True
                return
            self._fetches.wait(self.wanted, news)

    def _sendable(self, head: Head) -> int:
        size = self._part.size
        if head.is_done:
            return size
        return max(0, (size if head.length is None else min(size, head.length)) - HELD_BACK)

    def _wait(self, is_enough: Callable[[Head], bool], seconds: float) -> Head | None:
        deadline = time.monotonic() + seconds
        while True:
            news = self._fetches.news(self.wanted)
            head = self._look()
            if head.is_done or is_enough(head):
                return head
            if time.monotonic() > deadline:
                return None
            self._fetches.wait(self.wanted, news)

    def _look(self) -> Head:
        head = self._part.head()
        if self._turn is not None and head.turn != self._turn:
            raise CutOffError(self.wanted.filename)
        if head.is_done:
            return head
        if head.stage is Stage.FAILED and head.attempt != self._seen:
            raise head.error()
        self._lead()
        return self._part.head()

    def _lead(self) -> None:
        while not self._fetches.lead(self.wanted, self._part, self._seen):
            if self._turn is not None:
                raise CutOffError(self.wanted.filename)
            self._part.close()
            self._part = PartFile(self._part.path)


def follow(wanted: Wanted) -> Following:
    """Have the file fetched, unless somebody does, and read behind; see `Following`.

    Raises:
        StorageFullError: there is no room for it.
    """
    return Following(current_fetches(), wanted)
