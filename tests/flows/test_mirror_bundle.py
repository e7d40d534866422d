"""Carrying what a mirror holds into a closed network."""

from __future__ import annotations

import urllib.error
from pathlib import Path

import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.server import Server, serving

pytestmark = pytest.mark.clients


def install(client: str, machine: Machine, server: Server) -> dict[str, str]:
    """Install with an empty cache into an empty environment; give what is there then."""
    venv = machine.venv()
    if client == "pip":
        done = machine.pip("install", server, venv, "--no-cache-dir", "slip-app")
    else:
        done = machine.uv_pip_install(server, venv, "--no-cache", "slip-app")
    assert done.code == 0, done
    return installed(venv)


def test_an_application_is_carried_into_a_network_without_upstream(
    tmp_path: Path, machine: Machine
) -> None:
    carried = tmp_path / "carried.tar"
    with serving(tmp_path / "upstream") as upstream:
        upstream.create_user("ada")
        files = build_application(tmp_path / "dist")
        ada = Credentials(upstream.create_token("ada"))
        assert machine.twine_upload(upstream, ada, *files).code == 0
        with serving(tmp_path / "open", PACKSLIP_UPSTREAM_URL=upstream.simple_url) as mirror:
            assert install("pip", machine, mirror) == INSTALLED
            told = mirror.command("mirror", "bundle", str(carried))
            assert f"{len(INSTALLED)} packages, {len(DOWNLOADED)} files" in told
            pages = {name: mirror.page(name) for name in INSTALLED}
    with serving(tmp_path / "closed") as closed:
        loaded = closed.command("mirror", "load", str(carried))
        assert f"{len(DOWNLOADED)} files taken in" in loaded
        for client in ("pip", "uv"):
            assert install(client, machine, closed) == INSTALLED
        for name, theirs in pages.items():
            ours = closed.page(name)
            assert theirs is not None
            assert ours is not None
            by_name = {file["filename"]: file for file in theirs["files"]}
            for file in ours["files"]:
                # What is not said of the metadata there is made here, of wheels.
                same = {"url": "", "core-metadata": "", "dist-info-metadata": ""}
                assert {**file, **same} == {**by_name[file["filename"]], **same}
        assert sum(closed.downloads().values()) == 2 * len(DOWNLOADED)
        with pytest.raises(urllib.error.HTTPError) as caught:
            closed.get(f"/files/00/00/{'0' * 60}/slip_app-9.0-py3-none-any.whl")
        with caught.value as answer:
            assert (answer.code, "was not in the bundle" in answer.reason) == (404, True)
        again = closed.command("mirror", "load", str(carried))
        assert f"0 files taken in, {len(DOWNLOADED)} here already" in again
