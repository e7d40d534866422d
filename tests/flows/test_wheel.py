"""Packslip from its wheel, in an environment that has nothing but what the lock names."""

from __future__ import annotations

import contextlib
import importlib.metadata
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker
from tests.helpers.processes import clean_environment
from tests.helpers.server import PATIENCE, free_port
from tools.release import ROOT, build
from tools.sbom import read_lock

from packslip import __version__


def provide(site: Path) -> None:
    """Put what the lock names, and nothing else, into an environment without the index."""
    for one in read_lock(ROOT / "requirements/run.txt"):
        if one.marker and not Marker(one.marker).evaluate():
            continue
        files = importlib.metadata.distribution(one.name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            source = Path(str(importlib.metadata.distribution(one.name).locate_file(top)))
            # Some distributions share a folder.
            if source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)


#: Where the package is and which version it says it has, without the time to import it.
FIND = (
    "import importlib.metadata as metadata, importlib.util as util; "
    "print(util.find_spec('packslip').origin, metadata.version('packslip'))"
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of an environment into which the wheel was installed."""
    place = tmp_path_factory.mktemp("wheel")
    _, wheel = build(ROOT, place, 1_700_000_000)
    venv.create(place / "environment", symlinks=True, with_pip=False)
    programs = place / "environment/bin"
    site = place / f"environment/lib/python3.{sys.version_info.minor}/site-packages"
    provide(site)
    command = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install"]
    offline = ["--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel)]
    subprocess.run([*command, *offline], check=True, env=clean_environment(place / "home"))
    return programs


def ask(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return bytes(answer.read())


@contextlib.contextmanager
def serving(programs: Path, folder: Path) -> Iterator[str]:
    """The address of a server in an empty folder."""
    port = free_port()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [programs / "packslip", "serve", "--port", str(port), "--workers", "1"],
            env=clean_environment(folder / "home", PACKSLIP_UPSTREAM_URL=""),
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(OSError):
                ask(f"http://127.0.0.1:{port}/healthz")
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        code = process.wait(PATIENCE)
    assert code == 0, log.read_text()


def test_the_installed_package_is_the_wheel_s(programs: Path) -> None:
    told = subprocess.run(
        [programs / "python", "-c", FIND],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(programs.parent / "home"),
    ).stdout
    place, version = told.split()
    assert (place.startswith(str(programs.parent)), version) == (True, __version__)


def test_it_serves_an_empty_folder_with_pages_styles_and_the_newest_schema(
    programs: Path, tmp_path: Path
) -> None:
    with serving(programs, tmp_path) as url:
        assert b'"migrations":"ok"' in ask(f"{url}/readyz")
        assert b"<form" in ask(f"{url}/setup")
        assert b"color-scheme" in ask(f"{url}/static/packslip.css")
    # In the folder in which it was started, as it was told nothing else.
    assert (tmp_path / "data/packslip.db").exists()
