"""Packslip from its wheel, in an environment that has nothing but what the lock names."""

from __future__ import annotations

import contextlib
import importlib.metadata
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.tags import sys_tags
from tests.helpers.clients import BIN, require_clients
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


def repack(folder: Path) -> None:
    """Make wheels again of what the lock names and this environment has."""
    usable = [str(tag) for tag in sys_tags()]
    for one in read_lock(ROOT / "requirements/run.txt"):
        if one.marker and not Marker(one.marker).evaluate():
            continue
        found = importlib.metadata.distribution(one.name)
        lines = (found.read_text("WHEEL") or "").splitlines()
        tags = {line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")}
        tag = next(tag for tag in usable if tag in tags)
        name = found.metadata["Name"].replace("-", "_").replace(".", "_")
        with zipfile.ZipFile(folder / f"{name}-{found.version}-{tag}.whl", "w") as wheel:
            for file in found.files or []:
                # Programs are made of entry points; the rest came with the installation.
                is_own = file.parts[0] != ".." and file.suffix != ".pyc"
                if is_own and file.name not in {"INSTALLER", "REQUESTED", "direct_url.json"}:
                    wheel.write(str(found.locate_file(file)), str(file))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"), 1_700_000_000)[1]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The folder with the programs of an environment into which the wheel was installed."""
    place = tmp_path_factory.mktemp("wheel")
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
def serving(folder: Path, *command: Path | str, **environment: str) -> Iterator[str]:
    """The address of a server in an empty folder, started by `packslip` as the command says it."""
    port = free_port()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "serve", "--port", str(port), "--workers", "1"],
            env=clean_environment(folder / "home", PACKSLIP_UPSTREAM_URL="", **environment),
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
    with serving(tmp_path, programs / "packslip") as url:
        assert b'"migrations":"ok"' in ask(f"{url}/readyz")
        assert b"<form" in ask(f"{url}/setup")
        assert b"color-scheme" in ask(f"{url}/static/packslip.css")
    # In the folder in which it was started, as it was told nothing else.
    assert (tmp_path / "data/packslip.db").exists()


@pytest.fixture(scope="module")
def index(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheels of Packslip and what it needs, and nothing else."""
    index = tmp_path_factory.mktemp("index")
    (index / wheel.name).symlink_to(wheel)
    repack(index)
    return index


def offline(index: Path) -> dict[str, str]:
    """What lets uv know that folder and this Python, and nothing else."""
    return {
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(index),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_uvx_serves_from_the_wheel_alone(index: Path, tmp_path: Path) -> None:
    require_clients()
    settings = offline(index)
    uvx = BIN / "uvx"
    told = subprocess.run(
        [uvx, "packslip", "--version"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment(tmp_path / "home", **settings),
    )
    assert (told.returncode, told.stdout) == (0, f"packslip, version {__version__}\n"), told.stderr
    with serving(tmp_path, uvx, "packslip", **settings) as url:
        assert b'"migrations":"ok"' in ask(f"{url}/readyz")
        assert b"color-scheme" in ask(f"{url}/static/packslip.css")


def test_pipx_installs_a_command_that_serves(index: Path, tmp_path: Path) -> None:
    require_clients()
    settings = offline(index) | {
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_BACKEND": "uv",
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }
    done = subprocess.run(
        [BIN / "pipx", "install", "packslip"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment(tmp_path / "home", **settings),
    )
    assert done.returncode == 0, done.stderr
    with serving(tmp_path, tmp_path / "bin/packslip") as url:
        assert b'"migrations":"ok"' in ask(f"{url}/readyz")
        assert b"color-scheme" in ask(f"{url}/static/packslip.css")
