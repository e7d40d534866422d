"""pip, uv and poetry install an application with its dependencies from the index alone."""

from __future__ import annotations

import subprocess
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application, sha256, wheel
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.server import Server

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def files(server: Server, ada: Credentials, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of the application, which the server has."""
    machine = Machine(tmp_path_factory.mktemp("uploads"))
    built = build_application(machine.folder / "dist")
    done = machine.twine_upload(server, ada, *built)
    assert done.code == 0, done
    return built


def run_application(venv: Path) -> str:
    python = venv / "bin" / "python"
    return subprocess.run(
        [python, "-m", "slip_app"], capture_output=True, text=True, check=True
    ).stdout


def once_each(client: str) -> Counter[str]:
    """The downloads of an installation of the application."""
    return Counter(f"{file} by {client}" for file in DOWNLOADED)


def pinned(files: list[Path], folder: Path, *, spoilt: bool = False) -> Path:
    """A requirements file that pins everything with the hashes of its files."""
    lines = []
    for name, version in INSTALLED.items():
        stem = f"{name.replace('-', '_')}-{version}"
        of_release = [file for file in files if file.name.startswith((f"{stem}-", f"{stem}.tar"))]
        digests = [("0" * 64 if spoilt else sha256(file)) for file in of_release]
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in digests)
        lines.append(f"{name}=={version} {hashes}")
    path = folder / "requirements.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("client", ["pip", "uv"])
def test_the_application_is_installed_and_runs(
    client: str, machine: Machine, server: Server
) -> None:
    venv = machine.venv()
    before = server.downloads()
    if client == "pip":
        done = machine.pip("install", server, venv, "slip-app")
    else:
        done = machine.uv_pip_install(server, venv, "slip-app")
    assert done.code == 0, done
    assert installed(venv) == INSTALLED
    assert "slips of slip_core" in run_application(venv)
    assert server.downloads() - before == once_each(client)


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_hashes_are_checked(
    client: str, machine: Machine, server: Server, files: list[Path]
) -> None:
    def install(venv: Path, requirements: Path) -> tuple[int, str]:
        arguments = ("--require-hashes", "-r", str(requirements))
        if client == "pip":
            done = machine.pip("install", server, venv, *arguments)
        else:
            done = machine.uv_pip_install(server, venv, *arguments)
        return done.code, done.output

    venv = machine.venv()
    code, output = install(venv, pinned(files, machine.folder))
    assert code == 0, output
    assert installed(venv) == INSTALLED
    spoilt = machine.venv("spoilt")
    code, output = install(spoilt, pinned(files, machine.folder, spoilt=True))
    assert code != 0, output
    assert installed(spoilt) == {}


@pytest.mark.usefixtures("files")
def test_uv_locks_and_syncs_a_project(machine: Machine, server: Server) -> None:
    project = machine.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["slip-app"]\n\n'
        f'[[tool.uv.index]]\nname = "team"\nurl = "{server.simple_url}"\ndefault = true\n'
    )
    # The index is configured in the project, which UV_NO_CONFIG would leave unread.
    before = server.downloads()
    for command in ("lock", "sync"):
        done = machine.run("uv", command, folder=project, UV_NO_CONFIG="0")
        assert done.code == 0, done
    lock = (project / "uv.lock").read_text()
    assert 'upload-time = "' in lock
    assert "size = " in lock
    assert installed(project / ".venv") == INSTALLED
    assert server.downloads() - before == once_each("uv")
    assert machine.run("uv", "lock", "--check", folder=project, UV_NO_CONFIG="0").code == 0


@pytest.mark.usefixtures("files")
def test_poetry_locks_and_installs_a_project(machine: Machine, server: Server) -> None:
    project = machine.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["slip-app"]\n\n[tool.poetry]\npackage-mode = false\n\n'
        f'[[tool.poetry.source]]\nname = "team"\nurl = "{server.simple_url}"\n'
        'priority = "primary"\n'
    )
    before = server.downloads()
    for command in ("lock", "install"):
        done = machine.run(
            "poetry", command, "--no-interaction",
            folder=project,
            # Not the first Python on the path: a wheel is for the one that runs the tests.
            POETRY_VIRTUALENVS_USE_POETRY_PYTHON="true",
        )  # fmt: skip
        assert done.code == 0, done
    assert INSTALLED.items() <= installed(project / ".venv").items()
    expected = once_each("poetry")
    # To lock, it reads the metadata of a source distribution out of the file, and does not keep it.
    expected["slip_text-0.9.tar.gz by poetry"] += 1
    assert server.downloads() - before == expected


def test_pip_downloads_what_was_uploaded(
    machine: Machine, server: Server, files: list[Path]
) -> None:
    folder = machine.folder / "downloaded"
    before = server.downloads()
    done = machine.pip("download", server, machine.venv(), "--dest", str(folder), "slip-app")
    assert done.code == 0, done
    uploaded = {file.name: sha256(file) for file in files}
    found = {file.name: sha256(file) for file in folder.iterdir()}
    assert len(found) == len(INSTALLED)
    assert found.items() <= uploaded.items()
    assert server.downloads() - before == once_each("pip")


@pytest.mark.usefixtures("files")
def test_pip_lists_the_versions_that_fit_newest_first(machine: Machine, server: Server) -> None:
    done = machine.pip("index", server, machine.venv(), "versions", "slip-core")
    assert done.code == 0, done
    assert "Available versions: 1.10, 1.9, 1.2, 1.1" in done.output, done


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("client", ["pip", "uv"])
def test_what_was_uploaded_after_a_moment_can_be_left_out(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"dated-{client}"
    for version in ("1.0", "1.1"):
        done = machine.twine_upload(server, ada, wheel(machine.folder / "dist", name, version))
        assert done.code == 0, done
    page = server.page(name)
    assert page is not None
    first, second = sorted(datetime.fromisoformat(file["upload-time"]) for file in page["files"])
    between = (first + (second - first) / 2).isoformat()
    venv = machine.venv()
    if client == "pip":
        done = machine.pip("install", server, venv, "--uploaded-prior-to", between, name)
    else:
        done = machine.uv_pip_install(server, venv, "--exclude-newer", between, name)
    assert done.code == 0, done
    assert installed(venv) == {name: "1.0"}


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_a_yanked_release_is_taken_only_when_pinned_and_with_its_reason(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"yanked-{client}"
    built = [wheel(machine.folder / "dist", name, version) for version in ("1.0", "1.1")]
    assert machine.twine_upload(server, ada, *built).code == 0
    server.command("package", "yank", name, "1.1", "--reason", "drops sessions")

    def install(requirement: str) -> tuple[dict[str, str], str]:
        venv = machine.venv()
        if client == "pip":
            done = machine.pip("install", server, venv, "--no-cache-dir", requirement)
        else:
            done = machine.uv_pip_install(server, venv, "--no-cache", requirement)
        assert done.code == 0, done
        return installed(venv), done.output

    found, output = install(name)
    assert found == {name: "1.0"}
    assert "drops sessions" not in output
    found, output = install(f"{name}==1.1")
    assert found == {name: "1.1"}
    assert "drops sessions" in output
    server.command("package", "unyank", name, "1.1")
    found, output = install(name)
    assert found == {name: "1.1"}


def test_a_new_release_is_seen_at_once_by_every_worker(
    machine: Machine, server: Server, ada: Credentials
) -> None:
    for version in ("1.0", "1.1", "1.2"):
        released = wheel(machine.folder / "dist", "at-once", version)
        assert machine.uv_publish(server, ada, released).code == 0
        pages = [server.page("at-once") for _ in range(10)]
        assert {page["versions"][-1] for page in pages if page} == {version}
        assert None not in pages
