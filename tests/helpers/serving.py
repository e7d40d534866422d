"""A real server for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psutil

import packslip


class Server:
    """A running `packslip serve`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End it as an administrator does; requests in flight are finished."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def kill(self) -> None:
        """End all of its processes at once, without a chance to do anything."""
        with suppress(psutil.NoSuchProcess):
            for process in self.processes():
                process.kill()
        self.process.wait(30)

    def processes(self) -> list[psutil.Process]:
        """All its processes, the first one first."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]


@contextmanager
def running_server(data: Path, workers: int = 1, **settings: str) -> Iterator[Server]:
    """Serve what is in the data folder, on SQLite, until the end of the block."""
    port = _free_port()
    arguments = ["serve", "--port", str(port), "--workers", str(workers)]
    # The code under test, and not what may be installed.
    source = str(Path(packslip.__file__).parents[1])
    with (data / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "packslip", *arguments],
            env={**os.environ, **settings, "PACKSLIP_DATA": str(data), "PYTHONPATH": source},
            cwd=data,
            stderr=log,
        )
    server = Server(process, port)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        if process.poll() is None:
            server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(server: Server) -> None:
    for _ in range(300):
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}")
        with suppress(OSError), urlopen(f"{server.url}/simple/", timeout=5) as response:
            response.read()
            return
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(0.05)
    raise RuntimeError("the server does not answer")
