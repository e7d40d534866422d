"""Having all that a network without upstream needs: synchronised, then installed without it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.server import Server, serving

pytestmark = pytest.mark.clients

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def sync(server: Server, *arguments: str) -> dict[str, Any]:
    printed = server.command("mirror", "sync", "--json", *arguments)
    # Before it words for people may stand.
    found = re.search(r"^\{\n.*", printed, re.MULTILINE | re.DOTALL)
    assert found is not None, printed
    report: dict[str, Any] = json.loads(found[0])
    return report


def names(report: dict[str, Any]) -> set[str]:
    return {file["filename"] for file in report["fetched"]}


def test_what_was_synchronised_is_installed_when_upstream_is_gone(
    tmp_path: Path, machine: Machine
) -> None:
    with serving(tmp_path / "upstream") as upstream:
        upstream.create_user("ada")
        files = build_application(tmp_path / "dist")
        ada = Credentials(upstream.create_token("ada"))
        assert machine.twine_upload(upstream, ada, *files).code == 0
        mirroring = {"PACKSLIP_UPSTREAM_URL": upstream.simple_url}
        with serving(tmp_path / "mirror", **mirroring) as mirror:
            planned = sync(mirror, "slip-app", "--python", PYTHON, "--dry-run")
            assert planned["held"] == {"files": 0, "bytes": 0}
            done = sync(mirror, "slip-app", "--python", PYTHON)
            assert names(done) >= set(DOWNLOADED)
            assert {one["package"]: one["versions"] for one in done["packages"]} == {
                name: [version] for name, version in INSTALLED.items()
            }
            assert names(planned) == names(done)
            upstream.stop()
            again = sync(mirror, "slip-app", "--python", PYTHON)
            assert again["fetched"] == []
            assert again["held"] == again["wanted"] == done["wanted"]
            venv = machine.venv()
            found = machine.pip("install", mirror, venv, "--no-cache-dir", "slip-app")
            assert found.code == 0, found
            assert installed(venv) == INSTALLED
