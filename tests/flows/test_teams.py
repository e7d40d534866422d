"""Real clients upload as members of a team, and no more when they have left it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.application import wheel
from tests.helpers.clients import Credentials, Machine
from tests.helpers.server import Server

pytestmark = pytest.mark.clients


def told(text: str) -> str:
    """What was printed, however its lines were broken."""
    return " ".join(text.split())


def test_a_team_looks_after_packages_and_a_prefix(
    server: Server, ada: Credentials, machine: Machine, tmp_path: Path
) -> None:
    server.create_user("grace")
    grace = Credentials(server.create_token("grace"))
    done = machine.twine_upload(server, ada, wheel(tmp_path, "lake-core", "1.0"))
    assert done.code == 0, done
    server.command("team", "create", "data", "--description", "Lakes.")
    server.command("team", "grant", "data", "--package", "lake-core")
    server.command("team", "grant", "data", "--prefix", "lake", "--role", "owner")

    release, fresh = wheel(tmp_path, "lake-core", "1.1"), wheel(tmp_path, "lake-new", "1.0")
    for file, because in (
        (release, "may not upload to the package 'lake-core'"),
        (fresh, "new names under 'lake' are for the teams that have it"),
    ):
        for upload in (machine.twine_upload, machine.uv_publish):
            refused = upload(server, grace, file)
            assert refused.code != 0, refused
            assert because in told(refused.output), refused

    assert "lake-new" not in server.command("package", "list")

    server.command("team", "add", "data", "grace")
    assert machine.uv_publish(server, grace, release).code == 0
    assert machine.twine_upload(server, grace, fresh).code == 0
    venv = machine.venv()
    assert machine.pip("install", server, venv, "lake-core==1.1", "lake-new").code == 0

    # The team is an owner by its prefix, so the first person may go.
    server.command("package", "maintainers", "remove", "lake-core", "ada")
    refused = machine.twine_upload(server, ada, wheel(tmp_path, "lake-core", "1.2"))
    assert refused.code != 0, refused
    server.command("team", "remove", "data", "grace")
    refused = machine.twine_upload(server, grace, wheel(tmp_path, "lake-core", "1.3"))
    assert refused.code != 0, refused
    assert "may not upload to the package 'lake-core'" in told(refused.output)
