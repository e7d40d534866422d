"""Indexes whose people log in through a provider, and browsers that do so."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.browsing import Browser
from tests.helpers.provider import Provider
from werkzeug.test import TestResponse

from packslip.db import db
from packslip.events.models import Event

BEGIN = "/account/login/sso"
PAGE = "/account/single-sign-on/"
PASSWORD = "correct horse battery"
ADA = {
    "sub": "1",
    "name": "Ada Lovelace",
    "preferred_username": "ada",
    "email": "ada@example.com",
    "email_verified": True,
    "groups": ["staff"],
}

#: Makes an index; settings are named without their beginning, in lower case.
Maker = Callable[..., Flask]


def go(browser: Browser, provider: Provider, path: str = BEGIN) -> TestResponse:
    """Ask, be let in by the provider, and bring its answer back."""
    sent = browser.get(path)
    assert sent.status_code == 303, sent.text
    return bring(browser, provider.answer(sent.headers["Location"]))


def bring(browser: Browser, answer: str) -> TestResponse:
    parts = urlsplit(answer)
    return browser.get(f"{parts.path}?{parts.query}")


def session_of(app: Flask) -> Session:
    db.session().rollback()
    return db.session()


def actions(session: Session) -> list[str]:
    return list(session.scalars(select(Event.action).order_by(Event.id)))
