"""Packages come from another Packslip that runs, and from a real pypiserver's folder."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from tests.helpers import clients
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.prepared import prepare_data
from tests.helpers.processes import run_own
from tests.helpers.server import PATIENCE, Server, free_port


@pytest.fixture(scope="module")
def token(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A token for reading an index with a package, three notes and a yanked release."""
    folder = tmp_path_factory.mktemp("distributions")
    writing = server.create_token("ada")
    for version in ("1.0", "2.0", "3.0"):
        assert server.upload(writing, build_wheel(folder, "Demo.Thing", version)).status_code == 200
    assert server.upload(writing, build_wheel(folder, "other", "1.0")).status_code == 200
    add = ("note", "add", "--user", "ada", "--package", "demo-thing")
    server.command(*add, "--title", "Is slow", "--visibility", "team")
    server.command(*add, "--title", "My own")
    yanking = ("--visibility", "team", "--act", "yank", "--versions", "==2.0")
    server.command(*add, "--title", "Drops sessions", *yanking)
    return server.create_token("ada", "--scope", "read")


def target(folder: Path) -> Server:
    """An index that is not served."""
    prepare_data(folder / "data")
    return Server(folder, folder / "data", settings={"PACKSLIP_UPSTREAM_URL": ""})


def test_another_packslip_gives_what_a_token_may_see(
    server: Server, token: str, tmp_path: Path
) -> None:
    index = target(tmp_path)
    index.create_user("mary")
    secret = tmp_path / "token"
    secret.write_text(f"{token}\n")
    arguments = (server.url, "--token-file", str(secret), "--map-user", "ada=mary")
    tried = json.loads(index.command("import", *arguments, "--dry-run", "--json"))
    assert [(one["package"], one["added"]) for one in tried] == [("demo-thing", 3), ("other", 1)]
    again = json.loads(index.command("import", *arguments, "--dry-run", "--json"))
    assert [(one["package"], one["added"]) for one in again] == [("demo-thing", 3), ("other", 1)]

    demo, other = json.loads(index.command("import", *arguments, "--user", "mary", "--json"))
    assert (demo["added"], demo["notes"], demo["problems"]) == (3, 2, [])
    assert (other["added"], other["notes"], other["problems"]) == (1, 0, [])
    again = json.loads(index.command("import", *arguments, "--user", "mary", "--json"))
    assert [(one["added"], one["present"]) for one in again] == [(0, 3), (0, 1)]

    index.start()
    try:
        before, after = server.page("demo-thing"), index.page("demo-thing")
        assert before is not None
        assert after is not None
        for key in ("filename", "hashes", "upload-time", "size"):
            assert [one[key] for one in after["files"]] == [one[key] for one in before["files"]]
        yanked = {one["filename"].split("-")[1]: one["yanked"] for one in after["files"]}
        assert yanked["1.0"] is yanked["3.0"] is False
        assert yanked["2.0"].startswith("Drops sessions (note ")
        told = httpx.get(f"{index.url}/pypi/demo-thing/json").json()
        assert told["ownership"]["roles"] == [{"role": "Owner", "user": "mary"}]
        assert told["info"]["name"] == "Demo.Thing"
    finally:
        assert index.stop() == 0


def test_what_is_no_packslip_is_told(tmp_path: Path) -> None:
    index = target(tmp_path)
    done = run_own(
        "packslip",
        "import",
        f"http://127.0.0.1:{free_port()}/",
        environment=index.environment(),
        folder=tmp_path,
    )
    assert done.code == 1
    assert "it cannot be reached" in done.output


def test_a_pypiserver_s_folder_is_taken_in_as_it_lies_there(tmp_path: Path) -> None:
    clients.require_clients()
    packages, port = tmp_path / "packages", free_port()
    packages.mkdir()
    command = [clients.BIN / "pypi-server", "run", "-P", ".", "-a", ".", "-i", "127.0.0.1"]
    with (tmp_path / "log").open("wb") as log:
        peer = subprocess.Popen([*command, "-p", str(port), packages], stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(address)
                break
            except httpx.HTTPError:
                assert peer.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        for path in (build_wheel(tmp_path, "demo", "1.0"), build_sdist(tmp_path, "demo", "1.0")):
            sent = {
                "content": (path.name, path.read_bytes()),
                "gpg_signature": (f"{path.name}.asc", b"signed"),
            }
            answer = httpx.post(address, data={":action": "file_upload"}, files=sent)
            assert answer.status_code == 200, answer.text
        # As people sort them, which it serves as well.
        (packages / "team/old").mkdir(parents=True)
        for path in packages.glob("*.tar.gz*"):
            path.rename(packages / "team/old" / path.name)
        assert "demo-1.0.tar.gz" in httpx.get(f"{address}simple/demo/").text
    finally:
        peer.terminate()
        peer.wait(PATIENCE)

    index = target(tmp_path / "index")
    index.create_user("ada")
    lines = index.command("import", str(packages), "--owner", "ada", "--json").splitlines()
    *files, _ = (json.loads(line) for line in lines)
    assert {Path(one["path"]).name: (one["outcome"], one["reason"]) for one in files} == {
        "demo-1.0-py3-none-any.whl": ("added", None),
        "demo-1.0-py3-none-any.whl.asc": ("skipped", "a signature, which indexes keep no more"),
        "demo-1.0.tar.gz": ("added", None),
        "demo-1.0.tar.gz.asc": ("skipped", "a signature, which indexes keep no more"),
    }
    again = index.command("import", str(packages), "--owner", "ada", "--json").splitlines()
    assert json.loads(again[-1])["summary"]["items"]["present"] == 2
