"""A browser without JavaScript, within the process: it keeps cookies and sends forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import User
from packslip.db import db, write_transaction


@dataclass
class PageForm:
    """A form of a page: where it goes, and what it holds."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self._open = False
        self._select: str | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self._open = True
            self.found.append(PageForm(values.get("action") or ""))
        if not self._open:
            return
        fields, name = self.found[-1].fields, values.get("name")
        if tag == "input" and name:
            ticked = values.get("type") not in {"checkbox", "radio"} or "checked" in values
            if ticked:
                fields[name] = values.get("value") or ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in values or self._select not in fields:
                fields[self._select] = values.get("value") or ""
        elif tag == "textarea" and name:
            self._textarea = name
            fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._textarea:
            # The first line break belongs to the tag.
            fields, name = self.found[-1].fields, self._textarea
            fields[name] = fields[name].replace("\r\n", "\n").removeprefix("\n")
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.found[-1].fields[self._textarea] += data


def forms_of(html: str) -> list[PageForm]:
    """The forms of a page, the one of its head first."""
    parser = _Forms()
    parser.feed(html)
    return parser.found


def csrf_token_of(html: str) -> str:
    """The token of a page's forms; KeyError if none has one."""
    for form in forms_of(html):
        if "csrf_token" in form.fields:
            return form.fields["csrf_token"]
    raise KeyError("csrf_token")


class Browser:
    """Visits pages of an application. Each request has an application context of its own.

    What it changed is seen by a test's session only after `session.rollback()`.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        with self.app.app_context():
            return self.client.get(path, headers={"Accept": "text/html"}, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        with self.app.app_context():
            headers = {"Accept": "text/html"} | options.pop("headers", {})
            if "json" not in options:
                options["data"] = data or {}
            return self.client.post(path, headers=headers, **options)

    def submit(self, path: str, action: str | None = None, /, **values: Any) -> TestResponse:
        """Open the page, fill in the form that goes to `action` (else to the page) and send it.

        Raises AssertionError when the page has no such form.
        """
        page = self.get(path)
        wanted = (action or path).partition("?")[0]
        for form in forms_of(page.text):
            target = form.action.partition("?")[0] or path.partition("?")[0]
            if target == wanted and set(values) <= set(form.fields) | _unticked(page.text):
                return self.post(form.action or path, {**form.fields, **values})
        raise AssertionError(f"{path} ({page.status}) has no form for {wanted} with {set(values)}")

    def log_in_as(self, user_id: int) -> None:
        """Be logged in, without the log-in page."""
        with self.app.app_context():
            with write_transaction(db.session()) as session:
                user = session.get_one(User, user_id)
                secret = start_login_session(session, user, ip_address="127.0.0.1", user_agent="")
            with self.client.session_transaction() as cookie:
                cookie.clear()
                cookie["login"] = secret
                cookie.permanent = True


def _unticked(html: str) -> set[str]:
    class Names(HTMLParser):
        found: set[str] = set()  # noqa: RUF012 - one parser, one call

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = dict(attrs)
            if tag in {"input", "button"} and values.get("name"):
                self.found.add(str(values["name"]))

    parser = Names()
    parser.found = set()
    parser.feed(html)
    return parser.found
