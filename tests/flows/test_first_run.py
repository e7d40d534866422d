"""`packslip serve` on an empty folder, until somebody has made the first admin."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import pytest
from tests.helpers.application import wheel
from tests.helpers.browsing import forms_of
from tests.helpers.clients import Credentials, Machine
from tests.helpers.server import PASSWORD, Server, serving

PHRASE = 'Packslip is not set up yet: open the link that "packslip serve" printed'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with two workers on an empty folder, started as people start it."""
    with serving(tmp_path / "server", workers=2, set_up=False, afresh=True) as server:
        yield server


def printed_links(server: Server) -> list[str]:
    """The links in the log, each of which has a line of its own."""
    links = re.findall(r"^(http\S+/setup#code=\S+)$", server.log, re.MULTILINE)
    assert server.log.count("code=") == len(links)
    return links


def printed_code(server: Server) -> str:
    link = printed_links(server)[-1]
    address, code = link.split("#code=")
    assert address == f"{server.url}/setup"
    return code


def open_form(server: Server, client: httpx.Client, username: str) -> dict[str, str]:
    """The set-up form as somebody fills it in who lacks the code."""
    page = client.get(f"{server.url}/setup")
    form = next(form for form in forms_of(page.text) if form.action == "/setup")
    who = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    return {**form.fields, **who}


def usernames(server: Server) -> list[str]:
    return re.findall(r'"username": "(\w+)"', server.command("user", "list", "--json"))


def test_the_printed_link_outlives_a_crash_and_works_once(server: Server) -> None:
    code = printed_code(server)
    file = server.data / "setup-code"
    assert file.read_text().strip() == code
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert httpx.get(server.simple_url).reason_phrase == PHRASE
    server.kill()
    server.start()
    assert printed_links(server) == [f"{server.url}/setup#code={code}"] * 2
    with httpx.Client() as client:
        answer = client.post(
            f"{server.url}/setup", data={**open_form(server, client, "ada"), "code": code}
        )
        assert answer.headers["Location"] == "/account/first-steps"
        assert "ada" in client.get(f"{server.url}/account/first-steps").text
        assert client.post(f"{server.url}/setup", data={"code": code}).status_code == 400
    assert httpx.get(f"{server.url}/setup").status_code == 404
    assert not file.exists()
    assert usernames(server) == ["ada"]
    server.stop()
    server.start()
    assert len(printed_links(server)) == 2
    assert "Traceback" not in server.log


def test_of_many_at_once_one_becomes_admin(server: Server) -> None:
    code = printed_code(server)
    number = 6
    start = Barrier(number)

    def attempt(who: int) -> tuple[int, str]:
        with httpx.Client(timeout=60) as client:
            form = {**open_form(server, client, f"user{who}"), "code": code}
            start.wait()
            answer = client.post(f"{server.url}/setup", data=form)
            return answer.status_code, answer.reason_phrase

    with ThreadPoolExecutor(number) as pool:
        answers = sorted(pool.map(attempt, range(number)))
    assert answers[0][0] == 303
    assert {status for status, _ in answers[1:]} == {404}
    assert all("is set up already" in reason for _, reason in answers[1:])
    assert len(usernames(server)) == 1


def test_the_command_opens_a_running_index_in_all_workers(server: Server) -> None:
    assert {httpx.get(server.url).text.count("Set-up code") for _ in range(10)} == {1}
    server.create_user("ada", PASSWORD, "--admin")
    assert not (server.data / "setup-code").exists()
    # Each on a connection of its own, so that both workers answer.
    assert {httpx.get(server.simple_url).status_code for _ in range(30)} == {200}


@pytest.mark.clients
def test_people_read_the_reason_in_what_clients_print(
    server: Server, machine: Machine, tmp_path: Path
) -> None:
    who, file = Credentials("packslip_unknown"), wheel(tmp_path, "demo", "1.0")
    for done in (
        machine.twine_upload(server, who, file),
        machine.uv_publish(server, who, file),
        machine.hatch_publish(server, who, file),
    ):
        assert done.code != 0, done
        assert PHRASE in " ".join(done.output.split()), done
    assert machine.pip("download", server, machine.venv(), "demo").code != 0
