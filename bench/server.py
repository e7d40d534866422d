"""The server under test: how it is started, reached and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from bench import processes

HOST = "127.0.0.1"

#: Seconds within which a server must answer after its start, and end after SIGTERM.
PATIENCE = 60


class BenchError(Exception):
    """The measurement cannot go on; the text says why."""


@dataclass(frozen=True)
class Credentials:
    """What HTTP Basic carries with an upload."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Target:
    """A kind of server: all that differs between Packslip and its peers.

    `{host}`, `{port}` and `{data}` in the command and the environment become those of the
    running server; `{port2}` is one more port of it, for what stands behind a proxy. `prepare`
    are commands that are run once, before the first start. `enrol` is called once, while the
    server runs, and makes what an upload needs. Without `upload` nothing is uploaded.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    enrol: Callable[[Server], Credentials | None]
    health: str = "/healthz"
    simple: str = "/simple/"
    upload: str = "/legacy/"
    prepare: tuple[tuple[str, ...], ...] = ()
    #: Is called before each start, for instance to write a file with the ports.
    configure: Callable[[Server], None] = field(default=lambda _: None)


@dataclass
class Server:
    """A target with a data folder and a port of its own."""

    target: Target
    data: Path
    port: int = 0
    port2: int = 0
    credentials: Credentials | None = None
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.port2 = self.port2 or free_port()
        self.data.mkdir(parents=True, exist_ok=True)

    @property
    def base(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def upload_url(self) -> str:
        return self.base + self.target.upload

    @property
    def pid(self) -> int:
        """The first process; the others are found from it."""
        if self.process is None:
            raise BenchError(f"{self.target.name} does not run")
        return self.process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the server, and of its commands."""
        prefix = f"{self.target.name.upper()}_"
        left_out = (prefix, "PYTHONDONTWRITEBYTECODE")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        return inherited | {k: self.fill_in(v) for k, v in self.target.environment.items()}

    def fill_in(self, text: str) -> str:
        return text.format(host=HOST, port=self.port, port2=self.port2, data=self.data)

    def page_url(self, package: str) -> str:
        return f"{self.base}{self.target.simple}{package}/"

    def cpu_seconds(self) -> float:
        return processes.cpu_seconds(self.pid)

    def on_an_empty_folder(self, folder: Path) -> Server:
        """Another server of this kind that holds nothing yet."""
        return replace(self, data=folder, port=0, port2=0, process=None, credentials=None)

    def set_up(self) -> None:
        """Make what must be there before anything is measured, in a data folder that is new.

        Raises:
            BenchError: when that fails.
        """
        for command in self.target.prepare:
            self.run_command(command)
        with self.running():
            self.credentials = self.target.enrol(self)

    def run_command(self, words: Sequence[str], text: str = "") -> str:
        """Run a command in the server's environment, and give what it printed.

        Raises:
            BenchError: when it fails.
        """
        done = subprocess.run(
            [self.fill_in(word) for word in words],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"{' '.join(words[:3])} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Run the server until the block ends; it answers when the block begins."""
        self.start()
        try:
            self.wait_until(self.base + self.target.health)
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Start the process; whether it answers yet is another question."""
        self.target.configure(self)
        command = [self.fill_in(word) for word in self.target.command]
        with (self.data / "bench-server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own holds all of its processes, however they are started.
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the server and everything that it started."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def wait_until(self, url: str, interval: float = 0.02) -> None:
        """Return as soon as the address answers 200.

        Raises:
            BenchError: when the server ends or takes too long, with the end of its log.
        """
        deadline = time.monotonic() + PATIENCE
        with httpx.Client(timeout=PATIENCE) as client:
            while time.monotonic() < deadline:
                if self.process is None or self.process.poll() is not None:
                    raise BenchError(f"{self.target.name} ended at once:\n{self._log_end()}")
                with suppress(httpx.TransportError):
                    if client.get(url).status_code == 200:
                        return
                time.sleep(interval)
        raise BenchError(f"{self.target.name} does not answer {url}:\n{self._log_end()}")

    def _log_end(self) -> str:
        text = (self.data / "bench-server.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])


def packslip(command: str | None = None, upstream: str = "") -> Target:
    """Packslip as `packslip serve` runs it, with every setting at its default but the upstream."""
    beside_python = str(Path(sys.executable).parent)
    found = command or shutil.which("packslip", path=beside_python) or shutil.which("packslip")
    if found is None:
        raise BenchError("there is no packslip command beside this Python; give --packslip PATH")
    program = str(Path(found).absolute())

    def enrol(server: Server) -> Credentials:
        password = "nothing is secret on loopback"
        server.run_command(
            (program, "user", "create", "bench", "--email", "bench@example.com",
             "--password-stdin"),
            password + "\n",
        )  # fmt: skip
        token = server.run_command((program, "token", "create", "--user", "bench"))
        return Credentials("__token__", token)

    return Target(
        name="packslip",
        command=(program, "serve", "--host", "{host}", "--port", "{port}"),
        environment={"PACKSLIP_DATA": "{data}", "PACKSLIP_UPSTREAM_URL": upstream},
        enrol=enrol,
    )


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
