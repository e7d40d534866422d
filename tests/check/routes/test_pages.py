from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.notes_about import add_note
from tests.helpers.packages import add_demo


def send(client: FlaskClient, filename: str, content: bytes) -> Any:
    form = client.get("/check/").text
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', form))
    return client.post(
        "/check/",
        data={"csrf_token": token, "file": (BytesIO(content), filename)},
        content_type="multipart/form-data",
    )


def test_a_lock_file_is_checked_on_a_page(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    add_demo(session, latest_version="1.0")
    add_note(session, make_user(session), "demo", "<b>Drops</b>", "yank")
    page = send(client, "<i>r.txt", b"demo==1.0\ngit+https://me:secret@example.com/x\n")
    assert page.status_code == 200
    assert "0 errors, 1 warning, 0 notes for 1 pin." in page.text
    assert "yank: &lt;b&gt;Drops&lt;/b&gt;" in page.text
    assert "&lt;i&gt;r.txt" in page.text
    assert "git+https://example.com/x" in page.text
    assert "secret" not in page.text


def test_what_cannot_be_read_is_said(app: Flask, session: Session, client: FlaskClient) -> None:
    broken = send(client, "uv.lock", b"version = 1\nx =")
    assert broken.status_code == 400
    assert "uv.lock, line 2: it is no TOML" in broken.text
    assert send(client, "", b"").status_code == 400
    assert client.post("/check/", data={"file": (BytesIO(b""), "r.txt")}).status_code == 400
