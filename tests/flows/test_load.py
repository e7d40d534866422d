"""Several clients at once, on two workers and one SQLite."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.helpers.application import DOWNLOADED, INSTALLED, build_application, sha256, wheel
from tests.helpers.clients import Credentials, Machine, installed
from tests.helpers.server import Server

pytestmark = pytest.mark.clients

THREADS = 8
UPLOADS_EACH = 15
DOWNLOADS_EACH = 60


def at_once(*tasks: Callable[[], None]) -> None:
    """Run the tasks in threads that start together; raises what one of them raised."""
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], None]) -> None:
        start.wait()
        task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(run, task) for task in tasks]:
            future.result()


def test_uploads_downloads_and_installations_at_once(
    machine: Machine, server: Server, ada: Credentials
) -> None:
    assert machine.twine_upload(server, ada, *build_application(machine.folder / "app")).code == 0
    page = server.page("slip-core")
    assert page is not None
    popular = page["files"][0]
    uploaded: Counter[str] = Counter()

    def upload(number: int) -> None:
        for turn in range(UPLOADS_EACH):
            name, version = f"loaded-{number}", f"1.{turn}"
            file = wheel(machine.folder / "load", name, version)
            answer = server.upload(ada.password, file)
            assert answer.status_code == 200, answer.text
            uploaded[name] += 1
            seen = server.page(name)
            assert seen is not None
            assert version in seen["versions"]

    def download() -> None:
        with httpx.Client() as client:
            for _ in range(DOWNLOADS_EACH):
                answer = client.get(popular["url"])
                assert answer.status_code == 200
                digest = hashlib.sha256(answer.content).hexdigest()
                assert digest == popular["hashes"]["sha256"]

    def install(number: int) -> None:
        mine = Machine(machine.folder / f"machine-{number}")
        venv = mine.venv()
        done = mine.uv_pip_install(server, venv, "slip-app")
        assert done.code == 0, done
        assert installed(venv) == INSTALLED

    before = server.downloads()
    at_once(
        *(partial(upload, number) for number in range(3)),
        *(download for _ in range(3)),
        *(partial(install, number) for number in range(2)),
    )
    expected = Counter({f"{file} by uv": 2 for file in DOWNLOADED})
    expected[f"{popular['filename']} by python-httpx"] = 3 * DOWNLOADS_EACH
    assert server.downloads() - before == expected
    assert set(uploaded.values()) == {UPLOADS_EACH}
    assert "database is locked" not in server.log
    assert "Traceback" not in server.log


def test_of_many_uploads_under_one_name_exactly_one_wins(
    server: Server, ada: Credentials, tmp_path: Path
) -> None:
    files = [
        wheel(tmp_path / str(number), "contested", "1.0", files={"contested.py": f"{number}\n"})
        for number in range(THREADS)
    ]
    answers: dict[str, httpx.Response] = {}

    def upload(file: Path) -> None:
        answers[sha256(file)] = server.upload(ada.password, file)

    at_once(*(partial(upload, file) for file in files))
    won = [digest for digest, answer in answers.items() if answer.status_code == 200]
    assert len(won) == 1, {answer.text for answer in answers.values()}
    refused = [answer for answer in answers.values() if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {400}
    assert all("File already exists" in answer.text for answer in refused)
    page = server.page("contested")
    assert page is not None
    assert [file["hashes"]["sha256"] for file in page["files"]] == won
    assert hashlib.sha256(httpx.get(page["files"][0]["url"]).content).hexdigest() == won[0]
