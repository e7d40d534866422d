"""The application of a running server within this process: what it does needs no command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.server import Server

from packslip import create_app
from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import User
from packslip.db import db, write_transaction

ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Inside:
    """Works on the database and the files of a server that runs."""

    server: Server
    app: Flask

    @contextlib.contextmanager
    def working(self) -> Iterator[Session]:
        """A session, within a context in which addresses are those of the server."""
        with self.app.test_request_context(base_url=self.server.url):
            yield db.session()

    def log_in(self, context: BrowserContext, username: str, user_agent: str = "") -> None:
        """Log the browser in as the user, as the log-in page would: with a session of its own."""
        with self.working() as session:
            with write_transaction(session):
                user = _user(session, username)
                secret = start_login_session(
                    session, user, ip_address=ADDRESS, user_agent=user_agent
                )
            interface: Any = self.app.session_interface
            value = interface.get_signing_serializer(self.app).dumps(
                {"login": secret, "_permanent": True}
            )
            name = interface.get_cookie_name(self.app)
        context.add_cookies([{"name": name, "value": value, "url": self.server.url}])


def _user(session: Session, username: str) -> User:
    return session.scalars(select(User).where(User.username == username)).one()


@contextlib.contextmanager
def inside(server: Server) -> Iterator[Inside]:
    """The application of the server, which has to be told of a base URL."""
    app = create_app(
        {"PACKSLIP_DATA": server.data, "PACKSLIP_BASE_URL": server.url, **server.settings}
    )
    try:
        yield Inside(server, app)
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
