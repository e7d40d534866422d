"""Real installers: an application into a fresh environment, out of the server alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.server import BenchError

_TIMEOUT = 300


@dataclass(frozen=True)
class Installer:
    """An installer; in its command `{python}` is the environment, `{index}` the index."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Installed:
    """How long it took, in seconds, and how many distributions the environment then had."""

    seconds: float
    distributions: int


def find_installers(clients: Path | None = None) -> list[Installer]:
    """Find uv and pip, in the `bin` folder `clients` if they are there, else on the PATH."""
    path = os.environ.get("PATH", os.defpath)
    folders = f"{clients}{os.pathsep}{path}" if clients else path
    found = []
    if uv := shutil.which("uv", path=folders):
        found.append(
            Installer(
                "uv",
                (uv, "pip", "install", "--no-cache", "--no-config", "--no-python-downloads",
                 "--python", "{python}", "--default-index", "{index}"),
            )
        )  # fmt: skip
    pip = shutil.which("pip", path=folders)
    found.append(
        Installer(
            "pip",
            (*([pip] if pip else [sys.executable, "-m", "pip"]),
             "--python", "{python}", "install", "--no-cache-dir", "--no-input",
             "--disable-pip-version-check", "--index-url", "{index}"),
        )
    )  # fmt: skip
    return found


def install(installer: Installer, requirement: str, index: str) -> Installed:
    """Install into an environment made for this, with an empty home and nothing cached.

    Raises:
        BenchError: when the installer fails.
    """
    with TemporaryDirectory(prefix="bench-install-") as name:
        folder = Path(name)
        venv.create(folder / "env", symlinks=True)
        python = folder / "env" / "bin" / "python"
        words = [word.format(python=python, index=index) for word in installer.command]
        began = time.perf_counter()
        done = subprocess.run(
            [*words, requirement],
            env=_clean_environment(folder / "home"),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            raise BenchError(f"{installer.name} could not install {requirement}: {done.stderr}")
        return Installed(seconds, len(list((folder / "env").rglob("*.dist-info"))))


def _clean_environment(home: Path) -> dict[str, str]:
    """Nothing of the person who measures: no configuration, no cache, no proxy, no other index."""
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PIP_CONFIG_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }
