"""Having all that a network without upstream needs: synchronised, then installed without it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.forks import fork
from tests.helpers.mirroring import Manner, file_upstream
from tests.helpers.prepared import prepare_data
from tests.helpers.server import Server, serving
from tests.helpers.upstream import entry, scripted_upstream

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


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_what_was_broken_off_is_gone_on_with(tmp_path: Path, sent: signal.Signals) -> None:
    data = random.Random(7).randbytes(2_000_000)
    pause = Manner(wait_after=1_000_000)
    with file_upstream() as files, scripted_upstream() as pages:
        url = files.add(data, "demo-1.0.tar.gz", pause, Manner())
        digest = hashlib.sha256(data).hexdigest()
        pages.page("demo", entry("demo-1.0.tar.gz", url=url, hashes={"sha256": digest}))
        mirror = Server(
            tmp_path, tmp_path / "data", settings={"PACKSLIP_UPSTREAM_URL": pages.simple_url}
        )
        prepare_data(mirror.data)
        arguments = ("mirror", "sync", "--json", "demo")
        process = fork(
            "packslip", *arguments,
            environment=mirror.environment(), folder=tmp_path, output=tmp_path / "output",
        )  # fmt: skip
        part = _part(mirror, 900_000)
        os.kill(process.pid, sent)
        code = process.wait(60)
        assert code == (130 if sent is signal.SIGINT else -signal.SIGKILL)
        assert part.stat().st_size > 900_000
        assert mirror.command("mirror", "verify", "--json").endswith("}")
        assert names(sync(mirror, "demo")) == {"demo-1.0.tar.gz"}
        # The whole, then the rest.
        ranges = [told for path, told in files.requests if path == "/demo-1.0.tar.gz"]
        assert [told is None for told in ranges] == [True, False]
        assert not any((mirror.data / "mirror").glob("*.part"))


def _part(server: Server, size: int) -> Path:
    """The part file, once it has so many bytes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in (server.data / "mirror").glob("*.part"):
            if path.stat().st_size > size:
                return path
        time.sleep(0.02)
    raise AssertionError("nothing was fetched")
