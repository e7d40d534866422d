"""Programs run as a person would run them, with nothing of this machine's set-up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.forks import fork

import packslip

#: The programs of the environment in which the tests run.
BIN = Path(sys.executable).parent

#: Seconds after which a program that hangs is ended; all of them take a few.
TIMEOUT = 90

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Finished:
    """A program that ended: its exit code and what it printed on both streams."""

    command: str
    code: int
    output: str

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.output}\n(exit code {self.code})"


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment with an empty home folder and none of the user's variables."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": str(home), "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "400", **extra}


def own_environment(home: Path, **extra: str) -> dict[str, str]:
    """The same for a program that must find the code under test; nothing is mirrored."""
    source = Path(packslip.__file__).parents[1]
    own = {"PYTHONPATH": str(source), "PACKSLIP_UPSTREAM_URL": ""}
    return clean_environment(home, **{**own, **extra})


def run(
    command: list[str],
    environment: Mapping[str, str],
    *,
    folder: Path,
    send: str | None = None,
) -> Finished:
    """Run a program to its end and return what came of it, whether it failed or not."""
    done = subprocess.run(
        command,
        env=dict(environment),
        cwd=folder,
        input=send or "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TIMEOUT,
        check=False,
    )
    return Finished(" ".join(command), done.returncode, done.stdout)


def run_own(
    program: str,
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    send: str | None = None,
) -> Finished:
    """Run `packslip` or `flask`, with the code under test, to its end."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "output"
        process = fork(
            program,
            *arguments,
            environment=environment,
            folder=folder,
            output=output,
            send=send or "",
        )
        code = process.wait(TIMEOUT)
        printed = output.read_text(errors="replace")
    return Finished(" ".join([program, *arguments]), code, printed)
