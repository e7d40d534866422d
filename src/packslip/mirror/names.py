"""The names of all packages that an upstream has: hundreds of thousands, looked up one by one.

They tell whether a name is somebody else's without asking upstream for it, which would give the
name away. They lie in a small SQLite file of their own in the data folder: writing the list of a
large upstream would keep the index's own database busy, and it can be fetched again at any time.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import cast
from urllib.parse import quote

import ijson

from packslip.mirror.client import current_client
from packslip.mirror.errors import UpstreamAnswerError
from packslip.mirror.upstreams import Upstream
from packslip.simple_api.page import InvalidPackageNameError, normalize_name

#: Written in one go; the file is not synced in between.
_BATCH = 10_000

_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"


class NameList:
    """The names of one upstream's packages, as they were when the list was taken."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self._path = folder / f"names-{quote(upstream, safe='')}.sqlite3"

    @property
    def taken_at(self) -> datetime | None:
        """When it was taken; None when it never was."""
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def __contains__(self, name: str) -> bool:
        """Whether the upstream has a package of that normalised name, as far as is known."""
        if self.taken_at is None:
            return False
        with closing(self._open()) as connection:
            found = connection.execute("SELECT 1 FROM names WHERE name = ?", (name,))
            return found.fetchone() is not None

    def __len__(self) -> int:
        """How many names it has."""
        if self.taken_at is None:
            return 0
        with closing(self._open()) as connection:
            return cast("int", connection.execute("SELECT count(*) FROM names").fetchone()[0])

    def among(self, names: Iterable[str]) -> list[str]:
        """Those of the normalised names that the upstream has too, as far as is known."""
        if self.taken_at is None:
            return []
        with closing(self._open()) as connection:
            look = "SELECT 1 FROM names WHERE name = ?"
            return [name for name in names if connection.execute(look, (name,)).fetchone()]

    def replace(self, names: Iterable[str]) -> int:
        """Take these names instead, at once and as a whole; give how many there are.

        What raises while they come leaves the list as it was.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".part")
        draft.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = OFF")
                connection.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")
                connection.execute("BEGIN")
                connection.executemany(
                    "INSERT OR IGNORE INTO names VALUES (?)", ((name,) for name in _valid(names))
                )
                connection.execute("COMMIT")
                count = connection.execute("SELECT count(*) FROM names").fetchone()[0]
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)
        return cast("int", count)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this is the only process of the machine that takes the list, for the block."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.as_uri()}?mode=ro&immutable=1", uri=True)


def fetch_names(upstream: Upstream, names: NameList) -> int:
    """Take the list of all of the upstream's packages; give how many there are.

    The answer is read while it comes: no more than a piece of it is held at once.

    Raises:
        UpstreamFailedError: it could not be had, or is no such list.
        UpstreamSlowError: it did not come in time.
    """
    client = current_client()
    with client.open(upstream, upstream.address, headers={"Accept": _ACCEPT}) as incoming:
        if incoming.status != 200:
            raise UpstreamAnswerError(upstream.name, "it has no list of its packages")
        if "json" in incoming.headers.get("Content-Type", ""):
            found = _from_json(upstream, incoming.chunks())
        else:
            found = _from_html(incoming.chunks())
        return names.replace(found)


def _from_json(upstream: Upstream, chunks: Iterator[bytes]) -> Iterator[str]:
    try:
        for name in ijson.items(_Stream(chunks), "projects.item.name"):
            if isinstance(name, str):
                yield name
    except ijson.JSONError as error:
        raise UpstreamAnswerError(upstream.name, "its list of packages cannot be read") from error


class _Stream:
    """Bytes that come in pieces, as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not self._rest:
            piece = next(self._chunks, None)
            if piece is None:
                return b""
            self._rest = piece
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def _from_html(chunks: Iterator[bytes]) -> Iterator[str]:
    parser = _Anchors()
    for chunk in chunks:
        parser.feed(chunk.decode("ascii", "replace"))
        yield from parser.take()
    parser.close()
    yield from parser.take()


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._text = []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._text is not None:
            self._names.append("".join(self._text).strip())
            self._text = None

    def take(self) -> list[str]:
        names, self._names = self._names, []
        return names


def _valid(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        try:
            yield normalize_name(name)
        except InvalidPackageNameError:
            continue
