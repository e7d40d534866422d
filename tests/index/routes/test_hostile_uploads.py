"""Uploads that are right but for something: refused in plain words, and nothing of them is left."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.forms import (
    BOUNDARY,
    FORM_TYPE,
    encode_form,
    file_part,
    post_form,
    post_upload,
    text_part,
    upload_fields,
)
from werkzeug.test import TestResponse

from packslip.db import Base

TABLES = ("packages", "releases", "files", "registered_filenames", "maintainers", "events")

REFUSALS = {400, 401, 403, 410, 413}

fuzz = settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

#: A place, as a part of the whole: what is drawn must not depend on how long things are.
PART = st.floats(0, 0.999)

Fields = list[tuple[str, bytes]]


class Sent:
    """An upload, before it is sent."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        self.filename = path.name
        self.fields: Fields = [
            (name, value.encode()) for name, value in upload_fields(path).items()
        ]
        self.content_type = FORM_TYPE
        self.change_body: Callable[[bytes], bytes] = bytes
        self.announced: int | None = None

    def set(self, field: str, value: bytes) -> None:
        self.fields = [(name, value if name == field else old) for name, old in self.fields]

    def digest_anew(self) -> None:
        self.set("sha256_digest", hashlib.sha256(self.content).hexdigest().encode())

    def post(self, client: FlaskClient, secret: str) -> TestResponse:
        parts = [text_part(name, value) for name, value in self.fields]
        content = file_part(self.content, filename=self.filename)
        body = self.change_body(encode_form(*parts, content))
        length = len(body) if self.announced is None else len(body) + self.announced
        environ = {"CONTENT_LENGTH": str(max(length, 0))}
        return post_form(
            client, secret, body, content_type=self.content_type, environ_overrides=environ
        )


def change_bytes(sent: Sent, data: st.DataObject) -> None:
    content = bytearray(sent.content)
    for part in data.draw(st.lists(PART, min_size=1, max_size=4)):
        content[int(len(content) * part)] ^= data.draw(st.sampled_from([1, 0x80, 0xFF]))
    sent.content = bytes(content)
    if data.draw(st.booleans()):
        sent.digest_anew()


def change_length(sent: Sent, data: st.DataObject) -> None:
    more = [b"\0", b"\n", b"garbage", sent.content][data.draw(st.integers(0, 3))]
    place = int(len(sent.content) * data.draw(PART))
    changes = [sent.content[: place + 1], sent.content + more, more + sent.content]
    sent.content = changes[data.draw(st.integers(0, 2))]
    sent.digest_anew()


def change_name(sent: Sent, data: st.DataObject) -> None:
    stem, dot, ending = sent.filename.partition("-1.")
    name = f"{stem}{dot}{ending}"
    odd = [
        f"../{name}", f"/etc/{name}", f"a\\\\{name}", f".{name}", f"{name}.exe", f"x{name}", "x",
        name.replace("-", "--"), name.replace("-1.", "-2."), f"{name}\u202e", f"ä{name}",
        name.replace(".whl", ".zip").replace(".tar.gz", ".tar.bz2"), "a" * 300 + name,
        f"{name}\x01",
        name.replace(".whl", ".WHL"), name.replace("none", "no ne"), f"{name}\t", "demo-1.0.egg",
    ]  # fmt: skip
    sent.filename = odd[data.draw(st.integers(0, len(odd) - 1))]


def change_fields(sent: Sent, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(sent.fields) - 1))
    name, value = sent.fields[place]
    kind = data.draw(st.sampled_from(["drop", "double", "rename", "value", "add"]))
    if kind == "drop":
        del sent.fields[place]
    elif kind == "double":
        sent.fields.append((name, [value, b"", b"x"][data.draw(st.integers(0, 2))]))
    elif kind == "rename":
        sent.fields[place] = ([name.upper(), "x" * 900, "é"][data.draw(st.integers(0, 2))], value)
    elif kind == "value":
        odd = [
            b"",
            b"\0",
            b"\xff",
            b"x" * 5000,
            b"UNKNOWN",
            value + b" ",
            value + b"\r\n",
            b"1" * 64,
        ]
        sent.fields[place] = (name, data.draw(st.sampled_from(odd)))
    else:
        field = data.draw(
            st.sampled_from(["sha512_digest", "summary", "content", "md5_digest", "comment"])
        )
        odd = [b"", b"\0", b"0" * 32, b"A" * 31 + b"g", b"x" * 3000]
        sent.fields += [(field, data.draw(st.sampled_from(odd)))] * data.draw(st.integers(1, 2))


def change_framing(sent: Sent, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["type", "cut", "no end", "boundary", "announced", "garbage"]))
    if kind == "type":
        form = "multipart/form-data"
        types = [
            "", "text/plain", form, f"{form}; boundary=", f"{form}; boundary={'b' * 300}",
            f"{form}; boundary=other", "multipart/mixed; boundary=x", f"{form}; boundary=\"\xff\"",
        ]  # fmt: skip
        sent.content_type = data.draw(st.sampled_from(types))
    elif kind == "cut":
        part = data.draw(PART)
        sent.change_body = lambda body: body[: int(len(body) * part)]
    elif kind == "no end":
        less = data.draw(st.integers(3, 8))
        sent.change_body = lambda body: body[:-less]
    elif kind == "boundary":
        sent.change_body = lambda body: body.replace(BOUNDARY.encode(), b"another", 1)
    elif kind == "announced":
        sent.announced = data.draw(st.integers(1, 5000))
    else:
        place = data.draw(st.integers(0, 200))
        sent.change_body = lambda body: body[:place] + b"\r\n\xff\0:" + body[place:]


CHANGES = [change_bytes, change_length, change_name, change_fields, change_framing]


def test_an_upload_with_a_fault_is_refused_and_leaves_nothing(
    app: Flask,
    client: FlaskClient,
    session: Session,
    tmp_path: Path,
) -> None:
    secret = make_token(session, make_user(session))[1]
    numbers = count(1000)
    outcomes: set[bool] = set()

    @fuzz
    @given(data=st.data())
    def attack(data: st.DataObject) -> None:
        number = next(numbers)
        build = [build_wheel, build_sdist][data.draw(st.integers(0, 1))]
        path = build(tmp_path, "demo", f"1.{number}")
        sent = Sent(path)
        for change in data.draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2)):
            change(sent, data)
        before = state_of(app, session)
        answer = sent.post(client, secret)
        outcomes.add(answer.status_code == 200)
        if answer.status_code == 200:
            return
        assert_refused_in_plain_words(answer, tmp_path, app)
        assert state_of(app, session) == before
        # It would take as long as all the rest to do so each time.
        if number % 4 == 0:
            assert post_upload(client, secret, path).status_code == 200

    attack()
    assert False in outcomes


def assert_refused_in_plain_words(answer: TestResponse, folder: Path, app: Flask) -> None:
    assert answer.status_code in REFUSALS, answer.text
    text = answer.text.removesuffix("\n")
    assert "\n" not in text
    assert 10 < len(text) <= 400
    assert answer.status == f"{answer.status_code} {text}"
    assert text.count(". ") <= 2
    for secret in (str(folder), app.instance_path, "Traceback", "Error(", "site-packages"):
        assert secret not in text


def state_of(app: Flask, session: Session) -> tuple[list[int], list[str]]:
    """How many rows there are, and all files of the storage, those on their way included."""
    tables = [Base.metadata.tables[name] for name in TABLES]
    queries = [select(func.count()).select_from(table) for table in tables]
    rows = list(session.scalars(union_all(*queries))) if queries else []
    session.rollback()
    folder = Path(app.instance_path) / "files"
    return sorted(rows), sorted(path.name for path in folder.rglob("*") if path.is_file())
