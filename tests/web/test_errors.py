"""Errors as HTTP answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.app import make_app

from packslip import errors
from packslip.web.errors import MAX_PHRASE, reason_phrase, status_of

UV = "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def failing_client(folder: Path, error: Exception) -> FlaskClient:
    app = make_app(folder, f"sqlite:///{folder}/packslip.db", PROPAGATE_EXCEPTIONS=False)

    def fail() -> str:
        raise error

    app.add_url_rule("/fail", view_func=fail)
    return app.test_client()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.InvalidError, 400),
        (errors.UnauthenticatedError, 401),
        (errors.NotAllowedError, 403),
        (errors.NotFoundError, 404),
        (errors.NotAcceptableError, 406),
        (errors.GoneError, 410),
        (errors.TooLargeError, 413),
        (errors.UnavailableError, 503),
        (errors.StorageFullError, 507),
        (errors.PackslipError, 500),
    ],
)
def test_each_kind_of_error_has_its_status(kind: Callable[[str], Exception], status: int) -> None:
    assert status_of(kind("why")) == status  # type: ignore[arg-type]


def test_twine_reads_the_reason_in_the_status_line(tmp_path: Path) -> None:
    response = failing_client(tmp_path, errors.InvalidError("The name is bad.")).get("/fail")
    assert response.status == "400 The name is bad."
    assert response.mimetype == "text/plain"
    assert response.text == "The name is bad.\n"


def test_uv_reads_the_reason_in_problem_details(tmp_path: Path) -> None:
    client = failing_client(tmp_path, errors.NotAllowedError("This is not yours."))
    response = client.get("/fail", headers={"Accept": UV})
    assert response.mimetype == "application/problem+json"
    assert response.get_json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "This is not yours.",
        "request_id": response.headers["X-Request-ID"],
    }


def test_a_browser_gets_a_page_in_which_the_reason_is_text(tmp_path: Path) -> None:
    client = failing_client(tmp_path, errors.NotFoundError("<script>alert(1)</script>"))
    response = client.get("/fail", headers={"Accept": BROWSER})
    assert response.mimetype == "text/html"
    assert "&lt;script&gt;alert(1)" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_missing_credentials_are_asked_for(tmp_path: Path) -> None:
    response = failing_client(tmp_path, errors.UnauthenticatedError("Who?")).get("/fail")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_busy_server_says_when_to_come_back(tmp_path: Path) -> None:
    response = failing_client(tmp_path, errors.UnavailableError("Busy.")).get("/fail")
    assert int(response.headers["Retry-After"]) > 0


def test_a_bug_shows_nothing_but_a_request_id(tmp_path: Path) -> None:
    response = failing_client(tmp_path, RuntimeError("secret detail")).get("/fail")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["X-Request-ID"] in response.text


@pytest.mark.parametrize("path", ["/nowhere", "/static/../app.py", "/%00", "/%ff", "/a" * 2000])
def test_odd_paths_are_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/project/demo", "/project//demo/"])
def test_a_redirect_never_names_the_host_that_the_client_sent(
    client: FlaskClient, path: str
) -> None:
    response = client.get(path, headers={"Host": "evil.example.com"}, query_string="a=b")
    assert response.status_code == 308
    assert response.location == "/project/demo/?a=b"


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    response = client.post("/healthz")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
    assert response.status == "405 POST is not taken here, only GET and HEAD."


def test_no_answer_may_be_sniffed(app: Flask) -> None:
    assert app.test_client().get("/nowhere").headers["X-Content-Type-Options"] == "nosniff"


@given(st.text())
def test_a_reason_phrase_is_one_line_of_printable_ascii(text: str) -> None:
    phrase = reason_phrase(text)
    assert all(" " <= character <= "~" for character in phrase)
    assert len(phrase) <= MAX_PHRASE
