"""A live server: `packslip serve`, as the command that it is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from tests.helpers.forks import Fork, fork
from tests.helpers.prepared import PASSWORD, prepare_data
from tests.helpers.processes import BIN, own_environment, run_own

#: Seconds that a server may take to start or to stop.
PATIENCE = 40

_JSON = "application/vnd.pypi.simple.v1+json"

#: Servers of this process, so that a failed test can show their logs.
STARTED: list[Server] = []


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(eq=False)
class Server:
    """`packslip serve`, by default with a data folder of its own. It may be started again."""

    folder: Path
    data: Path
    workers: int = 2
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    #: The host in its address; browsers allow passkeys only where it is a name.
    name: str = "127.0.0.1"
    #: Whether it is started as people start it, which takes a second more.
    afresh: bool = False
    process: subprocess.Popen[bytes] | Fork | None = None

    @property
    def url(self) -> str:
        return f"http://{self.name}:{self.port}"

    @property
    def simple_url(self) -> str:
        return f"{self.url}/simple/"

    @property
    def upload_url(self) -> str:
        return f"{self.url}/legacy/"

    @property
    def log(self) -> str:
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def environment(self) -> dict[str, str]:
        return own_environment(self.folder / "home", PACKSLIP_DATA=str(self.data), **self.settings)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.launch()
        assert self.process is not None
        self._wait_until_it_answers(self.process)

    def launch(self) -> None:
        """Start the server; whether it answers yet is another question."""
        arguments = ["serve", "--port", str(self.port), "--workers", str(self.workers)]
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "server.log"
        if self.afresh:
            with log.open("ab") as output:
                self.process = subprocess.Popen(
                    [str(BIN / "packslip"), *arguments],
                    env=self.environment(),
                    cwd=self.folder,
                    stdout=output,
                    stderr=output,
                    # A group of its own, which `kill` ends at one blow.
                    start_new_session=True,
                )
        else:
            self.process = fork(
                "packslip",
                *arguments,
                environment=self.environment(),
                folder=self.folder,
                output=log,
            )
        if self not in STARTED:
            STARTED.append(self)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes] | Fork) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"the server ended with {process.poll()}:\n{self.log}")
            with contextlib.suppress(OSError):
                self.get("/healthz")
                return
            time.sleep(0.05)
        raise AssertionError(f"the server does not answer:\n{self.log}")

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Ask the server to end, wait for it and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """End all processes of the server at once, as a crash would."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            # It may not have come to lead a group yet.
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def command(self, *arguments: str, send: str | None = None) -> str:
        """Run `packslip` on the same data folder and return what it printed."""
        done = run_own(
            "packslip",
            *arguments,
            environment=self.environment(),
            folder=self.folder,
            send=send,
        )
        assert done.code == 0, done
        return done.output.strip()

    def create_user(self, username: str, password: str = PASSWORD, *arguments: str) -> None:
        command = ["user", "create", username, "--email", f"{username}@example.com", *arguments]
        self.command(*command, "--password-stdin", send=password)

    def create_token(self, username: str, *arguments: str) -> str:
        return self.command("token", "create", "--user", username, *arguments)

    def downloads(self) -> Counter[str]:
        """How often each file was downloaded: `demo-1.0.tar.gz by pip` is 2, for instance.

        All downloads that ended before the call are among them.
        """
        told = json.loads(self.command("stats", "--json"))["downloads"]
        with contextlib.closing(sqlite3.connect(self.data / "packslip.db")) as database:
            rows = database.execute(
                "SELECT file || ' by ' || coalesce(installer, '?') FROM downloads"
            )
            found = Counter(row[0] for row in rows)
        assert told <= found.total()
        return found

    def get(self, path: str, **headers: str) -> bytes:
        """What the server answers to a GET; raises unless it is 200."""
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bytes(answer.read())

    def upload_request(self, token: str, file: Path) -> httpx.Request:
        """What uploading tools send for a file."""
        name, version = file.name.split("-")[:2]
        wheel = file.suffix == ".whl"
        content = file.read_bytes()
        fields = {
            ":action": "file_upload",
            "protocol_version": "1",
            "metadata_version": "2.1",
            "name": name,
            "version": version if wheel else version.removesuffix(".tar.gz"),
            "filetype": "bdist_wheel" if wheel else "sdist",
            "pyversion": "py3" if wheel else "source",
            "sha256_digest": hashlib.sha256(content).hexdigest(),
        }
        request = httpx.Request(
            "POST", self.upload_url, data=fields, files={"content": (file.name, content)}
        )
        (authorized,) = httpx.BasicAuth("__token__", token).auth_flow(request)
        return authorized

    def upload(self, token: str, file: Path) -> httpx.Response:
        """Send a file as uploading tools do, without their time to start."""
        with httpx.Client(timeout=PATIENCE) as client:
            return client.send(self.upload_request(token, file))

    def page(self, name: str) -> dict[str, Any] | None:
        """The package's page in the Simple API with whole addresses, or None if there is none."""
        path = f"/simple/{name}/"
        try:
            page: dict[str, Any] = json.loads(self.get(path, Accept=_JSON))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        for file in page["files"]:
            file["url"] = urljoin(self.url + path, file["url"])
        return page

    def names(self) -> list[str]:
        """The names of all packages."""
        root = json.loads(self.get("/simple/", Accept=_JSON))
        return [package["name"] for package in root["projects"]]


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    data: Path | None = None,
    workers: int = 2,
    name: str = "127.0.0.1",
    set_up: bool = True,
    afresh: bool = False,
    **settings: str,
) -> Iterator[Server]:
    """A running server, which is asked to end with the block unless it ended before.

    It has an admin, `ADMIN`, unless its first set-up is still to come.
    """
    server = Server(folder, data or folder / "data", workers, settings, name=name, afresh=afresh)
    if name != "127.0.0.1":
        server.settings["PACKSLIP_BASE_URL"] = server.url
    if set_up and "PACKSLIP_DATABASE_URL" not in settings:
        prepare_data(server.data)
    server.start()
    try:
        yield server
    except BaseException:
        server.kill()
        raise
    finally:
        STARTED.remove(server)
    if server.is_running():
        code = server.stop()
        assert code == 0, f"the server ended with {code}:\n{server.log}"
