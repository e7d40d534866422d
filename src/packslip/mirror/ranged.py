"""Reading a few places of a large file that is elsewhere: a wheel's metadata, first of all."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable

from packslip.errors import BadGatewayError
from packslip.packages.archives.members import LARGEST_METADATA, MOST_MEMBERS
from packslip.packages.archives.zip_records import LARGEST_DIRECTORY

#: Bytes that are fetched at least: one request usually brings the directory, another the metadata.
WINDOW = 64 * 1024

#: Bytes that may follow the directory: its end and a comment of 64 KiB.
LARGEST_END = 128 * 1024

#: Requests that one file may take.
MOST_REQUESTS = 10

_ENTRY = b"PK\x01\x02"

#: What zipfile raises for archives that are damaged or of a kind that it does not know.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)

_METADATA = re.compile(r"[^/]+\.dist-info/METADATA\Z")


class UnreadableWheelError(BadGatewayError):
    """The metadata cannot be got out of upstream's wheel."""

    def __init__(self, filename: str, problem: str) -> None:
        super().__init__(f"The metadata of {filename} cannot be read from it: {problem}.")


class RangedFile(io.RawIOBase):
    """A file of which only what is read is fetched, in windows that are remembered."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        """Make it.

        Args:
            size: Bytes that the file has.
            fetch: Gives the bytes from a position up to another one.
        """
        self._size = size
        self._fetch = fetch
        self._position = 0
        self._windows: list[tuple[int, bytes]] = []

    def add(self, start: int, data: bytes) -> None:
        """Remember what stands there."""
        self._windows.append((start, data))

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("a position before the file's beginning")
        self._position = origin + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            # "The rest": only asked for where the directory's end and a comment may be.
            size = LARGEST_END
        if size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("its directory is too large")
        start = self._position
        stop = min(start + size, self._size)
        if stop <= start:
            return b""
        data = self._known(start, stop)
        # zipfile would make an object of each entry before anybody can count them.
        if data.count(_ENTRY) > MOST_MEMBERS:
            raise zipfile.BadZipFile("it has too many members")
        self._position += len(data)
        return data

    def _known(self, start: int, stop: int) -> bytes:
        for begin, data in self._windows:
            if begin <= start and stop <= begin + len(data):
                return data[start - begin : stop - begin]
        if len(self._windows) >= MOST_REQUESTS:
            raise zipfile.BadZipFile("it takes too many requests")
        data = self._fetch(start, min(self._size, max(stop, start + WINDOW)))
        self.add(start, data)
        return data[: stop - start]


def wheel_metadata(file: io.RawIOBase, filename: str) -> bytes:
    """The METADATA of a wheel, of which little more than that is read.

    Raises:
        UnreadableWheelError: it is damaged, has none, or it is too large.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = [info for info in archive.infolist() if _METADATA.match(info.filename)]
            if len(found) != 1:
                raise UnreadableWheelError(filename, f"it holds {len(found)} METADATA files")
            with archive.open(found[0]) as member:
                data = member.read(LARGEST_METADATA + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise UnreadableWheelError(filename, str(error).rstrip(".") or "it is damaged") from error
    if len(data) > LARGEST_METADATA:
        raise UnreadableWheelError(filename, "it is too large")
    return data
