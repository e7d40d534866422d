"""An admin in a browser."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, User


@dataclass
class Desk:
    """The browser of grace, who is an admin, and the database that it changes."""

    browser: Browser
    session: Session
    grace: User

    def open(self, path: str) -> str:
        """The text of a page that is there."""
        page = self.browser.get(path)
        assert page.status_code == 200, page.status
        return page.text

    def submit(self, path: str, action: str, **values: str) -> TestResponse:
        """Fill in and send a form; what it changed can be read then."""
        answer = self.browser.submit(path, action, **values)
        self.session.rollback()
        return answer


def make_desk(app: Flask, session: Session) -> Desk:
    """grace, logged in."""
    grace = make_user(session, "grace", role=Role.ADMIN, name="Grace Hopper")
    browser = Browser(app)
    browser.log_in_as(grace.id)
    return Desk(browser, session, grace)
