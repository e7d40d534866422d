"""Clients that work on a server, and remember what they were promised."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from tests.helpers.application import sha256, wheel
from tests.helpers.server import Server

from torture.tally import Tally

#: Seconds after which an answer counts as missing.
PATIENCE = 60.0


@dataclass
class Promises:
    """What the server acknowledged, and what it did not."""

    #: Digests by file name: all that were sent, and those that were acknowledged.
    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)
    #: Titles of notes by number.
    notes: dict[int, str] = field(default_factory=dict)
    #: Downloads that were begun, and those that were completed.
    begun: int = 0
    completed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def send(self, name: str, digest: str) -> None:
        with self._lock:
            self.sent[name] = digest

    def acknowledge(self, name: str) -> None:
        with self._lock:
            self.acknowledged[name] = self.sent[name]

    def note(self, number: int, title: str) -> None:
        with self._lock:
            self.notes[number] = title

    def unsend(self, name: str) -> None:
        """Nobody was there to take it."""
        with self._lock:
            del self.sent[name]

    def begin(self, number: int = 1) -> None:
        with self._lock:
            self.begun += number

    def complete(self) -> None:
        with self._lock:
            self.completed += 1


class Clients:
    """Uploads, downloads and notes from several threads until they are told to stop."""

    def __init__(
        self, server: Server, tally: Tally, promises: Promises, folder: Path, tokens: Tokens
    ) -> None:
        self.server = server
        self.tally = tally
        self.promises = promises
        self.folder = folder
        self.tokens = tokens
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._numbers = iter(range(10**9))

    def start(self, *tasks: Callable[[], None]) -> None:
        """Go on with each task, a thread for each, over whatever breaks the connection."""
        self._stop.clear()
        self._threads = [threading.Thread(target=self._repeat, args=(task,)) for task in tasks]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, task: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                task()
            except httpx.TransportError:
                # The server is gone, or just going.
                self._stop.wait(0.02)
            except Exception as error:
                self.tally.fault(f"a client failed: {type(error).__name__}: {error}")
                return

    def _ask(self, what: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask, and count it, whether an answer comes or not; but not if nobody listens."""
        try:
            answer = ask()
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            self.tally.count(what)
            raise
        self.tally.count(what)
        return answer

    def upload(self, series: str, *, size: int = 0) -> Callable[[], None]:
        """Upload releases of packages of that series, one after the other."""

        def task() -> None:
            number = next(self._numbers)
            files = {"noise.bin": random.Random(number).randbytes(size)} if size else None
            file = wheel(self.folder, f"{series}-{number % 3}", f"1.{number}", files=files)
            send = partial(self.server.upload, self.tokens.upload, file)
            self.promises.send(file.name, sha256(file))
            try:
                answer = self._ask("uploads", send)
            except httpx.ConnectError:
                self.promises.unsend(file.name)
                raise
            if answer.status_code == 200:
                self.promises.acknowledge(file.name)
            else:
                self.tally.fault(f"an upload was answered {answer.status_code}: {answer.text}")

        return task

    def download(self, url: str, digest: str) -> Callable[[], None]:
        def task() -> None:
            self.promises.begin()
            try:
                answer = self._ask("downloads", partial(httpx.get, url, timeout=PATIENCE))
            except httpx.ConnectError:
                self.promises.begin(-1)
                raise
            if answer.status_code != 200:
                self.tally.fault(f"a download was answered {answer.status_code}: {answer.text}")
                return
            self.promises.complete()
            found = hashlib.sha256(answer.content).hexdigest()
            self.tally.require(found == digest, f"a download had the sha256 {found}")

        return task

    def write_notes(self) -> Callable[[], None]:
        def task() -> None:
            title = f"note {next(self._numbers)}"
            write = partial(
                httpx.post,
                f"{self.server.url}/api/v1/notes",
                json={"title": title, "body": "# why\n" * 50, "visibility": "team"},
                auth=("__token__", self.tokens.notes),
                timeout=PATIENCE,
            )
            answer = self._ask("notes", write)
            if answer.status_code == 201:
                self.promises.note(answer.json()["id"], title)
            else:
                self.tally.fault(f"a note was answered {answer.status_code}: {answer.text}")
            time.sleep(0.01)

        return task

    def read(self, *paths: str) -> Callable[[], None]:
        """Read pages, one after the other."""
        turn = iter(paths * 10**6)

        def task() -> None:
            path = next(turn)
            url = f"{self.server.url}{path}"
            answer = self._ask("pages", partial(httpx.get, url, timeout=PATIENCE))
            if answer.status_code == 200:
                self.tally.keep("pages")
            else:
                self.tally.fault(f"{path} was answered {answer.status_code}: {answer.text[:200]}")

        return task


@dataclass(frozen=True)
class Tokens:
    """What the clients log in with."""

    upload: str
    notes: str

    @classmethod
    def make(cls, server: Server) -> Tokens:
        """Make a user and tokens."""
        server.create_user("ada")
        return cls(server.create_token("ada"), server.create_token("ada", "--scope", "notes"))
