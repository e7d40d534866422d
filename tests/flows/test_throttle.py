"""Waiting that grows with failures, across processes and with two at work in one server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from tests.helpers.server import Server, serving

PASSWORD = "correct horse battery"


def attempt(server: Server, username: str, password: str) -> httpx.Response:
    """An upload without a file: 400 once the password was right."""
    return httpx.post(server.upload_url, auth=(username, password), timeout=60)


def test_all_processes_count_together(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        serving(tmp_path / "one", data=data, workers=1) as one,
        serving(tmp_path / "two", data=data, workers=1) as two,
    ):
        one.create_user("ada")
        for server in (one, two) * 5:
            assert attempt(server, "ada", "a wrong password").status_code == 403
        for refused in [attempt(server, "ada", PASSWORD) for server in (one, two)]:
            assert refused.status_code == 429
            assert 0 < int(refused.headers["Retry-After"]) <= 5
            assert "Too many attempts failed" in refused.reason_phrase
        assert attempt(one, "bob", "a wrong password").status_code == 403


def test_a_server_with_two_workers_stands_many_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, workers=2) as server, ThreadPoolExecutor(20) as pool:
        server.create_user("ada")
        server.create_user("bob")

        def statuses(username: str, password: str) -> list[int]:
            answers = pool.map(lambda _: attempt(server, username, password), range(25))
            return [answer.status_code for answer in answers]

        assert statuses("ada", PASSWORD) == [400] * 25
        guesses = statuses("bob", "a wrong password")
        # Of those that were under way when the tenth failure was counted nothing is told either.
        assert sorted(guesses) == [403] * 10 + [429] * 15
        assert attempt(server, "bob", PASSWORD).status_code == 429
        assert attempt(server, "ada", PASSWORD).status_code == 400
