"""Real clients, two workers, and an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.helpers.application import INSTALLED, build_application, wheel
from tests.helpers.clients import Machine, installed
from tests.helpers.objects import CREDENTIALS, new_bucket
from tests.helpers.prepared import ADMIN
from tests.helpers.server import Server, serving


@pytest.fixture(scope="module", params=["stream", "redirect"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {
        "PACKSLIP_STORAGE_URL": new_bucket(),
        "PACKSLIP_STORAGE_DOWNLOADS": request.param,
        "PACKSLIP_UPSTREAM_URL": "",
        **CREDENTIALS,
    }
    with serving(tmp_path_factory.mktemp("server"), **settings) as server:
        token = server.create_token(ADMIN)
        for file in build_application(tmp_path_factory.mktemp("app")):
            assert server.upload(token, file).status_code == 200
        yield server


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_what_was_uploaded_is_installed(server: Server, tmp_path: Path, tool: str) -> None:
    machine = Machine(tmp_path)
    venv = machine.venv()
    if tool == "uv":
        done = machine.uv_pip_install(server, venv, "--no-cache", "slip-app")
    else:
        done = machine.pip("install", server, venv, "--no-cache-dir", "slip-app")
    assert done.code == 0, done
    assert installed(venv) == INSTALLED
    assert not list((server.data / "files").glob("*"))


def test_a_large_wheel_goes_in_and_comes_out(server: Server, tmp_path: Path) -> None:
    # Of more than one part.
    file = wheel(tmp_path, "large", "1.0", files={"noise": os.urandom(20_000_000)})
    assert server.upload(server.create_token(ADMIN), file).status_code == 200
    page = server.page("large")
    assert page is not None
    answer = httpx.get(page["files"][0]["url"], follow_redirects=True)
    assert answer.content == file.read_bytes()
