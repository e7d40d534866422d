"""Installing through a mirror, with upstream and without it."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application, wheel
from tests.helpers.clients import ENVIRONMENT, Credentials, Machine, installed
from tests.helpers.processes import Finished
from tests.helpers.server import Server, free_port, serving
from tests.helpers.upstream import scripted_upstream

from packslip.mirror.waiting import MOST_WAITING

pytestmark = pytest.mark.clients

CLIENTS = ("pip", "uv")


def install(client: str, machine: Machine, server: Server, what: str) -> dict[str, str]:
    """Install with an empty cache into an empty environment; give what is there then."""
    venv = machine.venv()
    done: Finished
    if client == "pip":
        done = machine.pip("install", server, venv, "--no-cache-dir", what)
    else:
        done = machine.uv_pip_install(server, venv, "--no-cache", what)
    assert done.code == 0, done
    return installed(venv)


def ask(server: Server, name: str) -> tuple[int, str, float]:
    """The status, the reason phrase and the seconds of the answer for a package's page."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"{server.simple_url}{name}/", timeout=30) as answer:
            return answer.status, answer.reason, time.monotonic() - began
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.reason, time.monotonic() - began


def test_an_application_comes_through_the_mirror_and_stays_when_upstream_is_gone(
    tmp_path: Path, machine: Machine
) -> None:
    with serving(tmp_path / "upstream") as upstream:
        upstream.create_user("ada")
        files = build_application(tmp_path / "dist")
        ada = Credentials(upstream.create_token("ada"))
        assert machine.twine_upload(upstream, ada, *files).code == 0
        mirroring = {"PACKSLIP_UPSTREAM_URL": upstream.simple_url, "PACKSLIP_UPSTREAM_TTL": "0"}
        with serving(tmp_path / "mirror", **mirroring) as mirror:
            for client in CLIENTS:
                assert install(client, machine, mirror, "slip-app") == INSTALLED
            assert ask(mirror, "nobody-has-this")[0] == 404
            _is_passed_on(upstream, mirror)
            upstream.stop()
            for client in CLIENTS:
                assert install(client, machine, mirror, "slip-app") == INSTALLED
            _is_told_that_upstream_is_gone(mirror)
            _hosted_packages_go_on(machine, mirror)
            assert sum(mirror.downloads().values()) == 4 * len(DOWNLOADED) + 1


def _is_passed_on(upstream: Server, mirror: Server) -> None:
    """The mirror says of each file what its upstream says."""
    for name in INSTALLED:
        theirs, ours = upstream.page(name), mirror.page(name)
        assert theirs is not None
        assert ours is not None
        assert ours["versions"] == theirs["versions"]
        assert ours["project-status"] == theirs["project-status"]
        for their, our in zip(theirs["files"], ours["files"], strict=True):
            assert {**their, "url": ""} == {**our, "url": ""}
            assert our["url"].startswith(mirror.url)


def _is_told_that_upstream_is_gone(mirror: Server) -> None:
    status, reason, seconds = ask(mirror, "never-asked-before")
    assert status in {502, 504}
    assert "upstream" in reason
    assert seconds < 15
    # The first one has found out for everybody.
    assert ask(mirror, "never-asked-either")[2] < 2
    with urllib.request.urlopen(f"{mirror.simple_url}slip-app/", timeout=30) as answer:
        assert answer.headers["Warning"].startswith("111")
        assert answer.headers["X-Packslip-Upstream-Checked"]


def _hosted_packages_go_on(machine: Machine, mirror: Server) -> None:
    mirror.create_user("grace")
    grace = Credentials(mirror.create_token("grace"))
    own = wheel(machine.folder / "own", "own-tool", "1.0")
    assert machine.twine_upload(mirror, grace, own).code == 0
    assert install("pip", machine, mirror, "own-tool") == {"own-tool": "1.0"}
    theirs = wheel(machine.folder / "own", "slip-app", "9.0")
    refused = machine.twine_upload(mirror, grace, theirs)
    assert refused.code != 0
    assert "belongs to a package of upstream" in " ".join(refused.output.split())


def test_an_upstream_that_hangs_slows_no_hosted_package(tmp_path: Path, machine: Machine) -> None:
    asking = MOST_WAITING + 24
    with scripted_upstream() as upstream:
        for number in range(asking):
            upstream.script(f"/simple/unknown-{number}/", threading.Event())
        mirroring = {"PACKSLIP_UPSTREAM_URL": upstream.simple_url}
        with serving(tmp_path / "mirror", workers=1, **mirroring) as mirror:
            mirror.create_user("ada")
            ada = Credentials(mirror.create_token("ada"))
            own = wheel(machine.folder / "own", "own-tool", "1.0")
            assert machine.twine_upload(mirror, ada, own).code == 0
            with ThreadPoolExecutor(asking) as pool:
                waiting = [pool.submit(ask, mirror, f"unknown-{i}") for i in range(asking)]
                upstream.wait_for(MOST_WAITING)
                for _ in range(10):
                    status, _, seconds = ask(mirror, "own-tool")
                    assert status == 200
                    assert seconds < 5
                assert not all(one.done() for one in waiting)
                answers = [one.result(60) for one in waiting]
            assert {status for status, *_ in answers} <= {502, 503, 504}
            assert max(seconds for *_, seconds in answers) < 15


def test_an_index_of_another_make_that_speaks_html_alone_is_mirrored(
    tmp_path: Path, machine: Machine
) -> None:
    build_application(tmp_path / "dist")
    with (
        _pypiserver(machine, tmp_path / "dist") as url,
        serving(tmp_path / "mirror", PACKSLIP_UPSTREAM_URL=f"{url}/simple/") as mirror,
    ):
        for client in CLIENTS:
            assert install(client, machine, mirror, "slip-app") == INSTALLED
        page = mirror.page("slip-app")
        assert page is not None
        by_kind = {file["filename"].endswith(".whl"): file for file in page["files"]}
        assert set(by_kind) == {True, False}
        for file in page["files"]:
            # What upstream does not say is not made up.
            assert "upload-time" not in file
            assert file["hashes"].keys() == {"sha256"}
        # Its metadata was made from the wheel, since installers asked for it.
        assert by_kind[True]["core-metadata"]["sha256"]


@contextmanager
def _pypiserver(machine: Machine, folder: Path) -> Iterator[str]:
    port = free_port()
    command = [str(ENVIRONMENT / "bin" / "pypi-server"), "run", "-p", str(port), "-i", "127.0.0.1"]
    with subprocess.Popen([*command, str(folder)], env=machine.environment) as process:
        try:
            deadline = time.monotonic() + 60
            while not _answers(port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
