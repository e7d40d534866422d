"""Mail from a live server."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import httpx
from tests.helpers.mail import link_in, mailbox, text_of
from tests.helpers.server import PASSWORD, Server, serving


def submit(client: httpx.Client, path: str, **values: str) -> httpx.Response:
    """Send the form of the page."""
    page = client.get(path)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token, page.text
    return client.post(path, data={"csrf_token": token[1], **values})


def end_leases(server: Server) -> None:
    """Let the time pass for which a mail belongs to the process that died."""
    with contextlib.closing(sqlite3.connect(server.data / "packslip.db")) as database, database:
        database.execute("UPDATE mails SET due_at = '2026-01-01 00:00:00.000000'")


def test_a_mail_outlives_the_server_that_was_sending_it(tmp_path: Path) -> None:
    with mailbox() as box, serving(tmp_path / "server", PACKSLIP_SMTP_URL=box.url) as server:
        server.create_user("ada")
        # The mail server has the text, and the server dies before it hears so.
        box.answering.clear()
        with httpx.Client(base_url=server.url) as client:
            answer = submit(client, "/account/reset", email="ada@example.com")
            assert answer.headers["Location"] == "/account/reset/sent"
            first = box.wait_for("ada@example.com")
            server.kill()
        box.answering.set()
        end_leases(server)
        box.clear()
        server.start()
        again = box.wait_for("ada@example.com")

        with httpx.Client(base_url=server.url) as client:
            # Each text has a link of its own, and the newest one works.
            assert client.get(link_in(first)).status_code == 404
            answer = submit(client, link_in(again), password="quite another password")
            assert answer.status_code == 303
            box.wait_for("ada@example.com", "password was changed")
            assert submit(client, "/account/login", username="ada", password=PASSWORD).is_error
        # A command's mails are sent by the server.
        box.clear()
        server.command("user", "set-password", "ada", "--password-stdin", send=PASSWORD)
        told = text_of(box.wait_for("ada@example.com", "password was changed"))
        assert "on the server's command line" in " ".join(told.split())
        assert link_in(again).rpartition("/")[2] not in server.log
        assert "ada@example.com" not in server.log
