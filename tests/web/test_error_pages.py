"""Errors as pages for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from werkzeug.exceptions import default_exceptions
from werkzeug.http import HTTP_STATUS_CODES

from packslip import errors

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
#: Nobody listens there.
AWAY = "postgresql://packslip@127.0.0.1:1/packslip"


def failing(folder: Path, fail: Callable[[], object], database_url: str = "") -> FlaskClient:
    """A client of an application of which `/fail` fails."""
    url = database_url or f"sqlite:///{folder}/packslip.db"
    app = make_app(folder, url, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/fail", "fail", lambda: str(fail()))
    return app.test_client()


def raising(error: Exception) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


@pytest.mark.parametrize("status", sorted(set(default_exceptions) - {401}))
def test_every_status_has_a_page_with_its_request_id(
    tmp_path: Path, sqlite_databases: SQLiteDatabases, status: int
) -> None:
    url = sqlite_databases.create(tmp_path)
    answer = failing(tmp_path, lambda: abort(status), url).get("/fail", headers=BROWSER)
    assert answer.status_code == status
    assert f"<h1>{status} " in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert '<a href="/">Home</a>' in answer.text


def test_an_address_without_a_page_offers_a_search(client: FlaskClient) -> None:
    page = client.get("/packages/re%22quests/", headers=BROWSER).text
    assert "There is nothing at this address." in page
    assert '<a href="/search/?q=re%22quests">Search for “re&#34;quests”</a>' in page


def test_who_is_not_allowed_may_log_in_and_who_was_too_fast_waits(tmp_path: Path) -> None:
    refused = failing(tmp_path, raising(errors.NotAllowedError("Not yours.")))
    page = refused.get("/fail?a=b&c", headers=BROWSER).text
    assert '<li><a href="/account/login?next=/fail%3Fa%3Db%26c">Log in</a></li>' in page
    slow = failing(tmp_path, raising(errors.TooOftenError("Slowly.", 150)))
    answer = slow.get("/fail", headers=BROWSER)
    assert "Try again in 3 minutes." in answer.text
    assert answer.headers["Retry-After"] == "150"


@pytest.mark.parametrize("status", [400, 405, 413, 415, 422, 429, 502, 503, 504])
def test_a_status_that_nobody_explained_is_told_in_words(
    tmp_path: Path, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = failing(tmp_path, lambda: abort(status)).get("/fail")
    assert answer.text.endswith(".\n")
    assert HTTP_STATUS_CODES[status] not in answer.text
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    told = [(line["status"], line["request_id"], line["route"]) for line in lines]
    assert told == ([(status, answer.headers["X-Request-ID"], "/fail")] if status >= 500 else [])


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT secret", {}, Exception("server closed the connection")),
        NoConnectionFreeError("QueuePool limit"),
    ],
)
def test_a_database_that_fails_is_a_pause_not_a_bug(
    app: Flask, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/fail", "fail", raising(error))  # type: ignore[arg-type]
    answer = app.test_client().get("/fail")
    assert answer.status == "503 The database cannot be reached at the moment."
    assert answer.headers["Retry-After"] == "5"
    (line,) = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["kind"] == type(error).__name__


def test_without_its_database_the_index_answers_with_whole_pages(tmp_path: Path) -> None:
    client = failing(tmp_path, raising(errors.NotFoundError("Not here.")), AWAY)
    for path in ("/", "/search/?q=x", "/project/demo/", "/browse/", "/stats/"):
        answer = client.get(path, headers=BROWSER)
        assert answer.status_code == 503, path
        assert "packslip.css" in answer.text
        assert answer.text.endswith("</html>")
        assert answer.headers["X-Request-ID"] in answer.text
    assert client.get("/simple/demo/").text == "The database cannot be reached at the moment.\n"
    with client.get("/static/packslip.css") as sheet:
        assert sheet.status_code == 200
    # Its page would show who is logged in.
    client.set_cookie("packslip_session", "0" * 43)
    answer = client.get("/fail", headers=BROWSER)
    assert answer.status_code in {404, 503}
    assert answer.text.endswith("</html>")


def test_a_bug_in_a_page_of_an_error_still_ends_in_a_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.jinja_env.globals, "current_user", raising(RuntimeError("secret")))
    answer = app.test_client().get("/nowhere", headers=BROWSER)
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert answer.text.endswith("</html>")


def test_when_no_template_can_be_rendered_a_plain_page_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packslip.web.error_pages.render_template", raising(RuntimeError("secret")))
    answer = failing(tmp_path, raising(errors.UnavailableError("<Busy>."))).get(
        "/fail", headers=BROWSER
    )
    assert answer.status_code == 503
    assert "&lt;Busy&gt;." in answer.text
    assert "secret" not in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert answer.text.endswith("</html>")


@pytest.mark.parametrize("where", ["within", "after"])
def test_a_bug_is_one_line_of_the_log_with_its_trace_and_the_name_of_the_request(
    tmp_path: Path, where: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bug = raising(RuntimeError("what went wrong"))
    client = failing(tmp_path, bug if where == "within" else lambda: "")
    if where == "after":
        # Whatever finishes answers may have failed, so nothing of it is relied upon.
        client.application.after_request(lambda _: bug())  # type: ignore[arg-type,return-value]
    answer = client.get("/fail?password=secret")
    assert answer.status_code == 500
    name = answer.headers["X-Request-ID"]
    assert answer.text == f"An error on the server. Its log has more: {name}\n"
    told = capfd.readouterr().err
    (line,) = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert line["request_id"] == name
    assert line["route"] == "/fail"
    assert "RuntimeError: what went wrong" in line["exception"]
    assert "secret" not in told
