"""The tutorial, typed as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

from tests.helpers.clients import BIN as CLIENTS
from tests.helpers.documented import ROOT, commands
from tests.helpers.processes import BIN, own_environment
from tests.helpers.server import Server

ADDRESS = "http://127.0.0.1:8080"

#: Seconds for one command.
PATIENCE = 120


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    folder = tmp_path / "packslip"
    folder.mkdir()
    # What `make run` makes.
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    server = Server(tmp_path, folder / "data", afresh=True)
    server.start()
    try:
        _type(tmp_path, folder, server.url)
    finally:
        server.stop()


def _type(tmp_path: Path, folder: Path, url: str) -> None:
    environment = own_environment(
        tmp_path / "home", PACKSLIP_DATA=str(folder / "data"), PACKSLIP_UPSTREAM_URL=""
    )
    environment["PATH"] = f"{BIN}:{CLIENTS}:/usr/bin:/bin"
    # flit asks the public index for classifiers, if there are any.
    environment["FLIT_NO_NETWORK"] = "1"
    ran = 0
    for command in commands(ROOT / "docs" / "tutorial.md"):
        if command.not_run:
            continue
        if command.text.startswith("export PATH"):
            continue
        if command.text == "python3 -m venv app":
            venv.create(folder / "app", with_pip=True)
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.text.replace(ADDRESS, url)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command.text}\n{done.stdout}"
        _compare(command.prints, done.stdout.replace(url, ADDRESS), command.text)
        ran += 1
    assert ran > 12


def _compare(expected: list[str], printed: str, text: str) -> None:
    """Hold what was printed against what is told; … stands for anything."""
    for line in expected:
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        assert re.search(pattern, printed), f"{text}\n{printed}\nlacks: {line}"
