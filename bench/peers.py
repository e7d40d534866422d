"""Other mirrors: environments of their own for them, and how they are run."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.server import BenchError, Server, Target

REQUIREMENTS = Path(__file__).parent.parent / "requirements" / "peers"

#: Seconds in which a peer must be installed.
_PATIENCE = 600

_PASSWORD = "nothing is secret on loopback"


def install(peer: str, venvs: Path, clients: Path | None = None) -> Path:
    """Install the locked versions into an environment of the peer's own, where that is to be done.

    Returns:
        The `bin` folder of the environment.

    Raises:
        BenchError: it could not be installed.
    """
    place = venvs / peer
    python = place / "bin" / "python"
    locked = REQUIREMENTS / f"{peer}.txt"
    uv = shutil.which("uv", path=clients) if clients else None
    if uv := uv or shutil.which("uv"):
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(place)]
        fill = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        make = [sys.executable, "-m", "venv", str(place)]
        fill = [str(python), "-m", "pip", "install", "--quiet"]
    if not python.exists():
        _run(peer, make)
    _run(peer, [*fill, "--require-hashes", "--requirement", str(locked)])
    return python.parent


def version(peer: str) -> str:
    """What is installed for the peer, as `name version`."""
    package = {"devpi": "devpi-server"}.get(peer, peer)
    locked = (REQUIREMENTS / f"{peer}.txt").read_text()
    found = re.search(rf"^{package}==(\S+)", locked, re.MULTILINE)
    return f"{package} {found[1]}" if found else package


def devpi(folder: Path, upstream: str) -> Target:
    """devpi-server with a mirror index. Nothing is uploaded: thousands of files take it an hour."""

    def enrol(server: Server) -> None:
        with httpx.Client(base_url=server.base, timeout=60) as client:
            client.put("/bench", json={"password": _PASSWORD}).raise_for_status()
            user = {"user": "bench", "password": _PASSWORD}
            login = client.post("/+login", json=user).raise_for_status().json()
            signed = base64.b64encode(f"bench:{login['result']['password']}".encode()).decode()
            client.headers["X-Devpi-Auth"] = signed
            mirror = {"type": "mirror", "mirror_url": upstream}
            client.put("/bench/mirror", json=mirror).raise_for_status()

    data = ("--serverdir", "{data}/server")
    init = (f"{folder}/devpi-init", *data, "--no-root-pypi", "--root-passwd", _PASSWORD)
    return Target(
        name="devpi",
        command=(f"{folder}/devpi-server", *data, "--host", "{host}", "--port", "{port}"),
        environment={},
        enrol=enrol,
        health="/+api",
        simple="/bench/mirror/+simple/",
        upload="",
        prepare=(init,),
    )


def proxpi(folder: Path, upstream: str) -> Target:
    """The caching proxy proxpi under gunicorn, as its container image runs it; it hosts nothing."""
    return Target(
        name="proxpi",
        command=(f"{folder}/gunicorn", "--preload", "--threads", "2", "--access-logfile", "-",
                 "--bind", "{host}:{port}", "proxpi.server:app"),
        environment={"PROXPI_INDEX_URL": upstream, "PROXPI_CACHE_DIR": "{data}/cache"},
        enrol=lambda _: None,
        health="/health",
        simple="/index/",
        upload="",
    )  # fmt: skip


#: How each peer is run, given its `bin` folder and the address of the upstream.
PEERS: dict[str, Callable[[Path, str], Target]] = {"devpi": devpi, "proxpi": proxpi}


def _run(peer: str, command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{peer} could not be installed: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{peer} could not be installed: {error}") from error
