"""Uploads, installations, downloads, notes and readers that go on whatever happens."""

from __future__ import annotations

import hashlib
import random
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx
from tests.helpers.application import sha256, wheel
from tests.helpers.clients import BIN as CLIENTS
from torture.clients import PATIENCE, Promises

JSON = "application/vnd.pypi.simple.v1+json"

#: What everybody downloads and installs.
POPULAR = "slip-popular"


@dataclass
class Moments:
    """When what succeeded and what did not."""

    succeeded: list[tuple[float, str]] = field(default_factory=list)
    failed: list[tuple[float, str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def succeed(self, kind: str) -> None:
        with self._lock:
            self.succeeded.append((time.monotonic(), kind))

    def fail(self, kind: str, why: str) -> None:
        with self._lock:
            self.failed.append((time.monotonic(), kind, why))

    def failures(self, since: float, until: float) -> int:
        return sum(since <= at <= until for at, _, _ in self.failed)

    def longest_gap(self, since: float, until: float) -> float:
        """Seconds in which the kind of work that suffered most had no success."""
        longest = 0.0
        for kind in {kind for _, kind in self.succeeded if kind != "installations"}:
            times = [at for at, one in self.succeeded if one == kind and since <= at <= until]
            edges = [since, *times, until]
            longest = max([longest, *(b - a for a, b in pairwise(edges))])
        return longest


class RefusedError(Exception):
    """An answer that says that the cluster cannot at the moment."""


class Work:
    """What clients do, and what they were promised."""

    def __init__(self, url: str, nodes: list[str], folder: Path, token: str, notes: str) -> None:
        self.url = url
        self.nodes = nodes
        self.folder = folder
        self.promises = Promises()
        self.moments = Moments()
        #: What must not be.
        self.faults: list[str] = []
        self.installations = 0
        self._auth = ("__token__", token)
        self.notes_auth = ("__token__", notes)
        self._stop = threading.Event()
        self._numbers = iter(range(10**9))
        self._popular = ""
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Upload what everybody wants, and let all go on."""
        file = wheel(self.folder, POPULAR, "1.0", files={"noise.bin": bytes(60_000)})
        self._upload(file)
        page = httpx.get(f"{self.url}/simple/{POPULAR}/", headers={"Accept": JSON}).json()
        address = httpx.URL(f"{self.url}/simple/{POPULAR}/")
        self._popular = str(address.join(page["files"][0]["url"]))
        tasks: list[tuple[str, Callable[[], None]]] = [
            ("uploads", self._upload_next),
            ("uploads", self._upload_next),
            ("downloads", self._download),
            ("downloads", self._download),
            ("notes", self._write_note),
            ("pages", self._read),
            ("installations", self._install),
        ]
        self._threads = [threading.Thread(target=self._repeat, args=task) for task in tasks]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let each finish what it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, kind: str, task: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                task()
            except (httpx.TransportError, RefusedError) as error:
                self.moments.fail(kind, f"{type(error).__name__}: {error}")
                self._stop.wait(0.2)
            except Exception as error:
                self.faults.append(f"{kind}: {type(error).__name__}: {error}")
                return
            else:
                self.moments.succeed(kind)
            self._stop.wait(0.03)

    def _upload_next(self) -> None:
        number = next(self._numbers)
        noise = random.Random(number).randbytes(20_000)
        self._upload(wheel(self.folder, f"slip-{number % 7}", f"1.{number}", files={"n": noise}))

    def _upload(self, file: Path) -> None:
        self.promises.send(file.name, sha256(file))
        name, version = file.name.split("-")[:2]
        form = {
            ":action": "file_upload",
            "protocol_version": "1",
            "filetype": "bdist_wheel",
            "pyversion": "py3",
            "metadata_version": "2.1",
            "name": name.replace("_", "-"),
            "version": version,
            "sha256_digest": sha256(file),
        }
        with file.open("rb") as content:
            files = {"content": (file.name, content)}
            self._expect(
                httpx.post(
                    f"{self.url}/legacy/", data=form, files=files, auth=self._auth, timeout=PATIENCE
                ),
                200,
            )
        self.promises.acknowledge(file.name)
        self._look_elsewhere(form["name"], file.name)

    def _look_elsewhere(self, package: str, filename: str) -> None:
        """What was acknowledged must be in the very next answer, whichever node gives it."""
        node = random.choice(self.nodes)
        try:
            answer = httpx.get(f"{node}/simple/{package}/", headers={"Accept": JSON}, timeout=5)
        except httpx.TransportError:
            return
        if answer.status_code == 200 and filename not in answer.text:
            self.faults.append(f"{filename} was acknowledged, and {node} did not have it")
        elif answer.status_code in {404, 410}:
            self.faults.append(f"{package} was acknowledged, and {node} did not know it")

    def _download(self) -> None:
        self.promises.begin()
        answer = httpx.get(self._popular, timeout=PATIENCE)
        self._expect(answer, 200)
        self.promises.complete()
        found = hashlib.sha256(answer.content).hexdigest()
        if found != self.promises.sent[self._popular_name]:
            self.faults.append(f"a download had the sha256 {found}")

    @property
    def _popular_name(self) -> str:
        return self._popular.rpartition("/")[2]

    def _write_note(self) -> None:
        title = f"note {next(self._numbers)}"
        body = {"title": title, "body": "# why\n" * 50, "visibility": "team"}
        answer = httpx.post(
            f"{self.url}/api/v1/notes", json=body, auth=self.notes_auth, timeout=PATIENCE
        )
        self._expect(answer, 201)
        self.promises.note(answer.json()["id"], title)

    def _read(self) -> None:
        for path in ("/", f"/project/{POPULAR}/", f"/simple/{POPULAR}/"):
            self._expect(httpx.get(f"{self.url}{path}", timeout=PATIENCE), 200)

    def _install(self) -> None:
        target = self.folder / "installed"
        self.promises.begin()
        done = subprocess.run(
            [
                *(
                    Path(CLIENTS) / "uv",
                    "pip",
                    "install",
                    "--no-cache",
                    "--no-config",
                    "--reinstall",
                ),
                *("--target", target, "--default-index", f"{self.url}/simple/", POPULAR),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RefusedError(done.stderr.strip()[-300:])
        self.promises.complete()
        self.installations += 1
        self._stop.wait(0.5)

    @staticmethod
    def _expect(answer: httpx.Response, status: int) -> None:
        if answer.status_code >= 500 or answer.status_code == 429:
            raise RefusedError(f"{answer.status_code} {answer.reason_phrase}")
        if answer.status_code != status:
            raise AssertionError(f"answered {answer.status_code}: {answer.text[:300]}")
