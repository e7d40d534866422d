"""Programs under test as processes of their own, without the second that their imports take.

A process that has imported them is forked for each; from there on all is as when the program is
started: its arguments, its environment, its streams, its signals and its end.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

#: The programs, and the function that each is.
PROGRAMS = {"packslip": "packslip.cli:main", "flask": "flask.cli:main"}

_context: ForkServerContext = multiprocessing.get_context("forkserver")
# Named as an import would, since nothing but the environment's packages is found there.
_context.set_forkserver_preload(
    ["packslip.cli", "packslip.wsgi", "gunicorn.workers.gthread", "flask_migrate.cli"]
)


class Fork:
    """A running program; it leads a group of processes."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """The exit code, when it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not.
        """
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(str(self._process.name), seconds)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def fork(
    program: str,
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    output: Path,
    send: str = "",
) -> Fork:
    """Start one of `PROGRAMS` within `folder`; both its streams are appended to `output`."""
    process = _context.Process(
        target=_become,
        args=(program, arguments, dict(environment), folder, output, send),
        name=program,
        # None is left behind if the tests end early.
        daemon=False,
    )
    process.start()
    return Fork(process)


def _become(
    program: str,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: Path,
    output: Path,
    send: str,
) -> None:
    os.setsid()
    # Whoever runs the tests in the background may have it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sent, written = os.pipe()
    if send:
        os.write(written, send.encode())
    os.close(written)
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream, number in ((sent, 0), (log, 1), (log, 2)):
        os.dup2(stream, number)
    os.close(sent)
    os.close(log)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the program runs
    sys.argv = [str(Path(sys.executable).parent / program), *arguments]
    try:
        pkgutil.resolve_name(PROGRAMS[program])()
    finally:
        # What a program does at its end, and a fork does not.
        atexit._run_exitfuncs()
