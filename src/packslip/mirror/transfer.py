"""Bringing the bytes of one file from upstream into its part file."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from msgspec.structs import replace

from packslip.errors import BadGatewayError, NotFoundError, UnavailableError
from packslip.mirror.circuit import asking
from packslip.mirror.client import Incoming, UpstreamClient
from packslip.mirror.digests import Checker
from packslip.mirror.errors import UpstreamFailedError, UpstreamSlowError
from packslip.mirror.file_queries import Wanted
from packslip.mirror.parts import PartFile
from packslip.mirror.upstreams import Upstream

#: Bytes that a file may have of which upstream tells no length.
LARGEST = 16 * 1024**3

#: How often a transfer is taken up again after it broke, and how often without a byte gained.
MOST_RESUMES = 20
MOST_BARREN = 2

#: Seconds to the next try after the first break; doubled each time nothing was gained.
PAUSE = 0.25

_BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)\Z")


class VanishedError(NotFoundError):
    """Upstream lists the file, or did, and does not have it."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"Upstream has no file {filename} any more.")


class WrongBytesError(BadGatewayError):
    """Upstream sent other bytes than it announced."""

    def __init__(self, filename: str, fault: str) -> None:
        super().__init__(f"Upstream sent wrong bytes for {filename}: {fault}.")
        self.fault = fault


class BrokenOffError(BadGatewayError):
    """Upstream broke off in the middle, however often it was asked to go on."""

    def __init__(self, filename: str, problem: str) -> None:
        super().__init__(f"Upstream broke off in the middle of {filename}: {problem}.")
        self.problem = problem


class StoppedError(UnavailableError):
    """The process ends."""

    def __init__(self) -> None:
        super().__init__("The server is going down; the file will be fetched on from there.")


class Transfer:
    """Fills a part file that is locked by its maker. Made for one attempt."""

    def __init__(
        self,
        client: UpstreamClient,
        upstream: Upstream,
        wanted: Wanted,
        part: PartFile,
        *,
        tell: Callable[[], None],
        stopping: threading.Event,
    ) -> None:
        self._client = client
        self._upstream = upstream
        self._wanted = wanted
        self._part = part
        self._tell = tell
        self._stopping = stopping
        self.head = part.head()
        self._checker = Checker(wanted.expected)
        # Bytes that did not all come in one answer may be wrong though upstream's are right.
        self._is_patched = True
        self._gained = 0

    def run(self) -> Checker:
        """Fetch what is missing; when it returns, the part file has the right bytes, all of them.

        Raises:
            WrongBytesError: upstream's bytes are others than it announced.
            BrokenOffError: it broke off, again and again.
            VanishedError: it has no such file.
            UpstreamFailedError: it does not answer as it should.
            UpstreamSlowError: it does not answer in time.
            StorageFullError: there is no room left.
        """
        self._take_up()
        self._fill()
        fault = self._checker.fault()
        if fault is not None and self._is_patched:
            self._begin_anew(0)
            self._fill()
            fault = self._checker.fault()
        if fault is not None:
            raise WrongBytesError(self._wanted.filename, fault)
        return self._checker

    @property
    def has_gained(self) -> bool:
        """Whether bytes came in this attempt."""
        return self._gained > 0

    def note(self, **changes: Any) -> None:
        """Change the head for everybody who reads it."""
        self.head = replace(self.head, **changes)
        self._part.write_head(self.head)
        self._tell()

    def _take_up(self) -> None:
        """Go on from what an earlier attempt left."""
        if self._part.size > self._limit():
            self._begin_anew(0)
        else:
            self._digest(self._part.size)

    def _begin_anew(self, kept: int) -> None:
        """Give up all bytes but the first ones; who read on from there is cut off."""
        self.note(turn=self.head.turn + 1, length=None, validator=None)
        self._part.cut(kept)
        self._digest(kept)

    def _digest(self, size: int) -> None:
        self._checker = Checker(self._wanted.expected)
        for block in self._part.read(0, size, _BLOCK):
            self._checker.update(block)

    def _limit(self) -> int:
        if self._wanted.expected.size is not None:
            return self._wanted.expected.size
        return LARGEST if self.head.length is None else self.head.length

    def _fill(self) -> None:
        barren, problem = 0, ""
        for _ in range(MOST_RESUMES):
            size = self._checker.size
            if size and size == self.head.length:
                return
            told = self._receive()
            if told is None:
                return
            problem = told
            barren = 0 if self._checker.size > size else barren + 1
            if barren > MOST_BARREN:
                break
            if self._stopping.wait(PAUSE * 2**barren):
                raise StoppedError
        raise BrokenOffError(self._wanted.filename, problem)

    def _receive(self) -> str | None:
        """Take one answer; why that did not bring all there is, or None when it did."""
        with ExitStack() as stack:
            with asking(self._upstream):
                # What fails here was tried more than once, and is told as it is.
                incoming = stack.enter_context(
                    self._client.open(self._upstream, self._wanted.url, headers=self._headers())
                )
            try:
                position = self._begin(incoming)
                for chunk in incoming.chunks():
                    if self._stopping.is_set():
                        raise StoppedError
                    self._take(chunk, position)
                    position += len(chunk)
            except (UpstreamFailedError, UpstreamSlowError) as error:
                return error.problem
        if self.head.length is not None and self._checker.size < self.head.length:
            return f"only {self._checker.size} of {self.head.length} bytes came"
        return None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        size, length, validator = self._checker.size, self.head.length, self.head.validator
        # Without one, only a digest would tell that the parts belong together.
        if size and length is not None and (validator or self._wanted.expected.digest):
            headers["Range"] = f"bytes={size}-"
            if validator:
                headers["If-Range"] = validator
        return headers

    def _begin(self, incoming: Incoming) -> int:
        """Read the head of an answer; give the position in the file at which it begins."""
        if incoming.status in {404, 410}:
            raise VanishedError(self._wanted.filename)
        if incoming.status == 206:
            return self._go_on(incoming)
        if incoming.status != 200:
            raise UpstreamFailedError(
                self._upstream.name, f"it answered {incoming.status} where a file was to come"
            )
        size = self._wanted.expected.size
        length = size if incoming.length is None else incoming.length
        if size is not None and length != size:
            fault = f"it has {length} bytes instead of {size}"
            raise WrongBytesError(self._wanted.filename, fault)
        if length is not None and length < self._checker.size:
            self._begin_anew(0)
        # All that is there is compared with this answer as it comes.
        self._is_patched = False
        self.note(length=length, validator=_validator(incoming))
        return 0

    def _go_on(self, incoming: Incoming) -> int:
        found = _RANGE.match(incoming.headers.get("Content-Range") or "")
        position = self._checker.size
        if found is None or (found[1], found[2]) != (str(position), str(self.head.length)):
            self._begin_anew(0)
            raise UpstreamFailedError(
                self._upstream.name, "it sent another part than it was asked for"
            )
        self._is_patched = True
        return position

    def _take(self, chunk: bytes, position: int) -> None:
        known = chunk[: max(0, self._checker.size - position)]
        if known:
            stop = position + len(known)
            if b"".join(self._part.read(position, stop, _BLOCK)) != known:
                length, validator = self.head.length, self.head.validator
                self._begin_anew(position)
                self.note(length=length, validator=validator)
                known = b""
        new = chunk[len(known) :]
        if self._checker.size + len(new) > self._limit():
            fault = f"more than {self._limit()} bytes came"
            raise WrongBytesError(self._wanted.filename, fault)
        if new:
            self._part.append(new)
            self._checker.update(new)
            self._gained += len(new)
            self._tell()


def _validator(incoming: Incoming) -> str | None:
    etag = incoming.headers.get("ETag")
    # Parts of what a weak tag names need not fit together (RFC 9110, 13.1.5).
    return etag if etag and etag.startswith('"') else incoming.headers.get("Last-Modified")
