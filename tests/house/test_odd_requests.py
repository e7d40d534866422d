"""Whatever a client sends to whatever address, the answer is no failure of the server."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.oddities import BODIES, HEADERS, METHODS, NAMES, ODD
from tests.helpers.schema import fill
from werkzeug.routing import Rule
from werkzeug.test import run_wsgi_app

from packslip.accounts.models import Role, User
from packslip.db import db

MANY = settings(
    max_examples=250,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

PLAIN = {"version": "1.0", "username": "ada", "first": "aa", "second": "aa", "rest": "a" * 60}

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

#: What no answer holds, whatever was asked.
_TRACE = re.compile(r"Traceback|/site-packages/|File \"/")

odd_text = st.sampled_from(ODD) | st.text(max_size=8)


@st.composite
def requests(draw: st.DrawFn, rules: list[Rule], cookie: str, token: str) -> dict[str, Any]:
    """A request to some address, with something about it that no browser would send.

    It is as the server gives it to the application.
    """
    rule = draw(st.sampled_from(rules))
    path = re.sub(
        r"<(?:([^:<>]+):)?([^<>]+)>",
        lambda part: (
            draw(odd_text)
            if draw(st.integers(0, 2)) == 0
            else "1"
            if part[1] == "int"
            else PLAIN.get(part[2], "demo")
        ),
        rule.rule,
    )
    path += draw(st.sampled_from(("",) * 8 + ("/", "//", "/..", "/.", ";x", "\\", "%")))
    if draw(st.integers(0, 9)) == 0:
        path = draw(st.sampled_from(("/", "//evil.example.com", "/.", "/%2e%2e"))) + path
    method = draw(st.sampled_from((*sorted(rule.methods or ()), *METHODS)))
    fields = draw(st.dictionaries(st.sampled_from(NAMES), odd_text, max_size=4))
    query, body, kind = "", b"", ""
    if draw(st.booleans()):
        query = urlencode(fields, errors="surrogatepass")
    if method in {"POST", "PUT", "PATCH", "DELETE"}:
        kind = draw(st.sampled_from((FORM, FORM, JSON, "multipart/form-data; boundary=b")))
        if draw(st.integers(0, 3)) == 0:
            body = draw(st.sampled_from(BODIES))
        elif kind == JSON:
            body = json.dumps(fields).encode()
        else:
            body = urlencode(fields | {"csrf_token": token}, errors="surrogatepass").encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path.encode(errors="surrogatepass")).decode("latin-1"),
        "SCRIPT_NAME": "",
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookie,
        "HTTP_X_CSRFTOKEN": token,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name in draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=3, unique=True)):
        key = name.upper().replace("-", "_")
        value = draw(st.sampled_from(HEADERS[name])).encode().decode("latin-1")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
    return environ


@pytest.fixture
def odd_app(tmp_path: Path, database_url: str) -> Flask:
    app = make_app(tmp_path, database_url, PACKSLIP_REGISTRATION="open")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def test_no_request_is_a_failure_of_the_server(odd_app: Flask) -> None:
    with odd_app.app_context():
        fill(db.session())
        ada = db.session().query(User).one()
        ada.role, user_id = Role.ADMIN, ada.id
        db.session().commit()
    admin = Browser(odd_app)
    admin.log_in_as(user_id)
    token = csrf_token_of(admin.get("/").text)
    kept = admin.client.get_cookie("packslip_session")
    assert kept is not None
    rules = sorted(odd_app.url_map.iter_rules(), key=lambda rule: rule.rule)

    @MANY
    @given(requests(rules, f"packslip_session={kept.value}", token))
    def answer_no_failure(environ: dict[str, Any]) -> None:
        try:
            with odd_app.app_context():
                body, status, headers = run_wsgi_app(odd_app.wsgi_app, environ, buffered=True)
                text = b"".join(body).decode()
        except ConnectionResetError:
            # So the server ends a connection when more of a body was announced than came.
            return
        assert int(status[:3]) < 500, (status, text)
        assert re.fullmatch(r"\d{3} [\x20-\x7e]*", status)
        assert _TRACE.search(text) is None
        for name, value in headers:
            assert value.isprintable(), (name, value)
            value.encode("latin-1")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert not headers.get("Location", "/").startswith(("//", "/\\", "http"))

    answer_no_failure()
