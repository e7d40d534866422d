"""Lock files as real clients make them, checked against a live index; and uv's audit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.application import wheel
from tests.helpers.clients import Credentials, Machine
from tests.helpers.processes import Finished, own_environment, run_own
from tests.helpers.server import Server, serving

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for members, with a release of which a note warns, and a deprecated package."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, PACKSLIP_READ="members") as server:
        server.create_user("ada")
        token = server.create_token("ada")
        for name, version in (("demo", "1.0"), ("demo", "1.2"), ("old", "2.0")):
            assert server.upload(token, wheel(folder, name, version)).status_code == 200
        for title, package, *how in (
            ("Drops sessions", "demo", "warn", "--versions", "<1.1", "--fixed-in", "1.2"),
            ("Use demo instead", "old", "deprecate"),
        ):
            act = ("--package", package, "--act", *how)
            server.command("note", "add", "--user", "ada", "--title", title, *act)
        yield server


@pytest.fixture(scope="module")
def reader(server: Server) -> Credentials:
    return Credentials(server.create_token("ada", "--scope", "read"))


@pytest.fixture
def project(machine: Machine, server: Server, reader: Credentials) -> Path:
    """A project that pins what the notes are about, locked by uv."""
    (machine.folder / "home").mkdir(exist_ok=True)
    netrc = machine.folder / "home" / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login __token__ password {reader.password}\n")
    netrc.chmod(0o600)
    project = machine.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        f"""\
[project]
name = "app"
version = "1"
requires-python = ">=3.11"
dependencies = ["demo==1.0", "old==2.0"]

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "team"
url = "{server.simple_url}"
priority = "primary"
"""
    )
    done = machine.run("uv", "lock", "--default-index", server.simple_url, folder=project)
    assert done.code == 0, done
    return project


def check(
    machine: Machine, server: Server, project: Path, *arguments: str, **settings: str
) -> Finished:
    environment = own_environment(machine.folder / "home", PACKSLIP_DATA=os.devnull, **settings)
    command = ("check", "--index", server.simple_url, *arguments)
    return run_own("packslip", *command, environment=environment, folder=project)


def findings(done: Finished) -> dict[str, dict[str, list[str]]]:
    return {
        file["file"]: {
            pin["name"]: [finding["kind"] for finding in pin["findings"]] for pin in file["pins"]
        }
        for file in json.loads(done.output)["files"]
    }


def test_what_real_clients_lock_is_checked_from_elsewhere(
    machine: Machine, server: Server, reader: Credentials, project: Path
) -> None:
    def uv(*arguments: str) -> None:
        index = ("--default-index", server.simple_url)
        done = machine.run("uv", *arguments, *index, folder=project)
        assert done.code == 0, done

    uv("export", "--frozen", "--no-emit-project", "-o", "pylock.toml")
    uv("pip", "compile", "pyproject.toml", "--generate-hashes", "-o", "requirements.txt")
    done = machine.run(
        "poetry", "lock", "--no-interaction", folder=project,
        POETRY_HTTP_BASIC_TEAM_USERNAME="__token__",
        POETRY_HTTP_BASIC_TEAM_PASSWORD=reader.password,
    )  # fmt: skip
    assert done.code == 0, done
    names = ["uv.lock", "pylock.toml", "requirements.txt", "poetry.lock"]

    done = check(machine, server, project, "--json", *names, PACKSLIP_TOKEN=reader.password)
    assert done.code == 1, done
    expected = {"demo": ["warn", "newer"], "old": ["deprecate"]}
    assert findings(done) == dict.fromkeys(names, expected)

    # Other bytes than the index holds.
    lock = project / "uv.lock"
    text = lock.read_text()
    digest = text.partition('hash = "sha256:')[2][:64]
    lock.write_text(text.replace(digest, "0" * 64))
    done = check(machine, server, project, "--json", "--fail-on", "error", "uv.lock")
    assert done.code == 1, done
    assert findings(done)["uv.lock"]["demo"] == ["hash", "warn", "newer"]
    wrong = check(machine, server, project, "uv.lock", PACKSLIP_TOKEN="packslip_wrong")
    assert wrong.code == 1, wrong
    assert "refuses (403)" in wrong.output, wrong


@pytest.mark.parametrize("slash", ["", "/"])
def test_uv_audits_with_the_voice_of_the_team(
    slash: str, machine: Machine, server: Server, project: Path
) -> None:
    def audit(*arguments: str) -> Any:
        return machine.run(
            "uv", "audit", "--frozen", "--service-url", f"{server.url}/osv{slash}",
            "--default-index", server.simple_url, *arguments, folder=project,
        )  # fmt: skip

    done = audit()
    assert done.code == 1, done
    assert "demo 1.0 has 1 known vulnerability" in done.output
    assert "PACKSLIP-1: Drops sessions" in done.output
    assert "Fixed in: 1.2" in done.output
    assert "/notes/1" in done.output
    assert "PACKSLIP-2: Use demo instead" in done.output
    assert "old is deprecated: Use demo instead (note 2)" in done.output
