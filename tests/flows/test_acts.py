"""What installers print of notes that act."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.helpers.application import wheel
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.processes import Finished
from tests.helpers.server import Server

from packslip.notes.rehearsal import ReleaseChange
from packslip.packages.effects import ReleaseEffect
from packslip.site.act_pages import printed_of

pytestmark = pytest.mark.clients

CLIENTS = ("pip", "uv", "poetry")


def publish(machine: Machine, server: Server, ada: Credentials, name: str) -> None:
    built = [wheel(machine.folder / "dist", name, version) for version in ("1.0", "1.1")]
    assert machine.twine_upload(server, ada, *built).code == 0


def act(server: Server, name: str, act: str, title: str, versions: str) -> str:
    """Write a note that acts and give its number."""
    return server.command(
        "note", "add", "--user", "ada", "--title", title,
        "--package", name, "--versions", versions, "--act", act,
    ).strip()  # fmt: skip


def install(client: str, machine: Machine, server: Server, name: str) -> tuple[Finished, Path]:
    """Ask for exactly 1.1."""
    if client == "poetry":
        return poetry_install(machine, server, name)
    venv = machine.venv()
    if client == "pip":
        return machine.pip("install", server, venv, "--no-cache-dir", f"{name}==1.1"), venv
    return machine.uv_pip_install(server, venv, "--no-cache", f"{name}==1.1"), venv


def poetry_install(machine: Machine, server: Server, name: str) -> tuple[Finished, Path]:
    project = machine.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["{name}==1.1"]\n\n[tool.poetry]\npackage-mode = false\n\n'
        f'[[tool.poetry.source]]\nname = "team"\nurl = "{server.simple_url}"\n'
        'priority = "primary"\n'
    )
    python = {"POETRY_VIRTUALENVS_USE_POETRY_PYTHON": "true"}
    outputs, done = "", None
    for command in ("lock", "install"):
        done = machine.run("poetry", command, "--no-interaction", folder=project, **python)
        outputs += done.output
        if done.code != 0:
            break
    assert done is not None
    return replace(done, output=outputs), project / ".venv"


def foretold(client: str, name: str, reason: str, held: str | None = None) -> str:
    """What the page that comes before such an act says of the client; nothing of poetry."""
    after = ReleaseEffect(yanked=True, yanked_reason=reason, held_reason=held)
    printed = printed_of(name, ReleaseChange("1.1", ReleaseEffect(), after))
    assert printed is not None
    line = {"pip": printed.pip, "uv": printed.uv}.get(client, "")
    return line.partition(" for url")[0]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_yank_is_told_with_its_reason_and_the_notes_number(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"acts-yank-{client}"
    publish(machine, server, ada, name)
    note = act(server, name, "yank", "drops sessions", "==1.1")
    done, venv = install(client, machine, server, name)
    assert done.code == 0, done
    assert installed(venv)[name] == "1.1"
    output = " ".join(done.output.split())
    assert f"drops sessions (note {note})" in output
    assert foretold(client, name, f"drops sessions (note {note})") in output


def test_uv_explains_by_the_reason_why_nothing_fits(
    machine: Machine, server: Server, ada: Credentials
) -> None:
    name = "acts-explained"
    publish(machine, server, ada, name)
    note = act(server, name, "yank", "drops sessions", ">1.0")
    wanted = machine.folder / "requirements.in"
    wanted.write_text(f"{name}>1.0\n")
    done = machine.run(
        "uv", "pip", "compile", "--no-cache", "--default-index", server.simple_url, str(wanted)
    )
    assert done.code == 1, done
    yanked = f"{name}==1.1 was yanked (reason: drops sessions (note {note}))"
    assert yanked in " ".join(done.output.split()), done


@pytest.mark.parametrize("client", CLIENTS)
def test_a_held_release_is_refused_with_the_whole_reason_until_it_is_lifted(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"acts-hold-{client}"
    publish(machine, server, ada, name)
    note = act(server, name, "hold", "drops sessions", ">=1.1")
    done, venv = install(client, machine, server, name)
    assert done.code != 0, done
    output, reason = " ".join(done.output.split()), f"drops sessions (note {note})"
    assert f"On hold by ada: {reason}" in output, done
    assert foretold(client, name, reason, f"On hold by ada: {reason}") in output, done
    assert name not in installed(venv)
    page = server.page(name)
    assert page is not None
    (held,) = [file for file in page["files"] if "-1.1-" in file["filename"]]
    assert held["yanked"] == f"drops sessions (note {note})"
    assert held["core-metadata"]
    server.command("note", "lift", note)
    if client != "poetry":
        done, venv = install(client, machine, server, name)
        assert (done.code, installed(venv)[name]) == (0, "1.1"), done
