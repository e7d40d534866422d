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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.forks import Fork, fork
from tests.helpers.mirroring import FileUpstream, Manner, file_upstream
from tests.helpers.prepared import prepare_data
from tests.helpers.server import Server, serving
from tests.helpers.upstream import entry, scripted_upstream

pytestmark = pytest.mark.clients

DATA = random.Random(7).randbytes(2_000_000)
SDIST = "demo-1.0.tar.gz"

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


@contextmanager
def slow_mirror(folder: Path) -> Iterator[tuple[Server, FileUpstream, Manner]]:
    """A mirror that is not started, of an upstream that pauses in the middle of its one file."""
    pause = Manner(wait_after=1_000_000)
    with file_upstream() as files, scripted_upstream() as pages:
        url = files.add(DATA, SDIST, pause, Manner())
        digest = hashlib.sha256(DATA).hexdigest()
        pages.page("demo", entry(SDIST, url=url, hashes={"sha256": digest}))
        settings = {"PACKSLIP_UPSTREAM_URL": pages.simple_url}
        prepare_data(folder / "data")
        yield Server(folder, folder / "data", workers=1, settings=settings), files, pause


def begin(server: Server) -> Fork:
    """Begin to synchronise; return in the middle of the file."""
    process = fork(
        "packslip", "mirror", "sync", "--json", "demo",
        environment=server.environment(), folder=server.folder, output=server.folder / "output",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not any(one.stat().st_size > 900_000 for one in parts(server)):
        assert time.monotonic() < deadline, "nothing was fetched"
        time.sleep(0.02)
    return process


def parts(server: Server) -> list[Path]:
    return list((server.data / "mirror").glob("*.part"))


def ranges(files: FileUpstream) -> list[str | None]:
    return [told for path, told in files.requests if path == f"/{SDIST}"]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_what_was_broken_off_is_gone_on_with(tmp_path: Path, sent: signal.Signals) -> None:
    with slow_mirror(tmp_path) as (mirror, files, _):
        process = begin(mirror)
        os.kill(process.pid, sent)
        assert process.wait(60) == (130 if sent is signal.SIGINT else -signal.SIGKILL)
        assert json.loads(mirror.command("mirror", "verify", "--json")) == {
            "files": 0,
            "faults": [],
        }
        assert names(sync(mirror, "demo")) == {SDIST}
        # The whole, then the rest.
        assert [told is None for told in ranges(files)] == [True, False]
        assert parts(mirror) == []


def test_a_client_reads_behind_what_is_being_synchronised(tmp_path: Path) -> None:
    with slow_mirror(tmp_path) as (mirror, files, pause):
        mirror.start()
        process = begin(mirror)
        page = mirror.page("demo")
        assert page is not None
        with httpx.stream("GET", page["files"][0]["url"], timeout=60) as answer:
            pieces = answer.iter_bytes()
            received = next(pieces)
            pause.wait_for.set()
            received += b"".join(pieces)
        assert received == DATA
        assert process.wait(60) == 0
        assert ranges(files) == [None]
        assert mirror.stop() == 0
