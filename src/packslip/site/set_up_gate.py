"""Keeps an index closed until its first set-up, see `packslip.accounts.setup`."""

from __future__ import annotations

from flask import Flask, Response, request

from packslip import db
from packslip.accounts.readers import is_for_tools
from packslip.accounts.setup import is_known_set_up, is_set_up, remove_code_file
from packslip.errors import UnavailableError
from packslip.packages.queries import has_packages
from packslip.site.routes import health, metrics, setup
from packslip.web.bodies import answerable_body
from packslip.web.context import current_settings


class NotSetUpError(UnavailableError):
    """Nobody can log in yet."""

    def __init__(self) -> None:
        super().__init__('Packslip is not set up yet: open the link that "packslip serve" printed')


def init_app(app: Flask) -> None:
    """Look at each request before anything else answers it, checks of its form included."""
    app.before_request(_keep_closed)


def _keep_closed() -> Response | None:
    if is_known_set_up() or _is_always_open():
        return None
    if _has_been_set_up():
        remove_code_file(current_settings().data)
        return None
    if request.method not in {"GET", "HEAD"}:
        answerable_body()
        raise NotSetUpError
    if is_for_tools(request.blueprint):
        # Packages that came in by the command are there for whoever may read them.
        if not _holds_packages():
            raise NotSetUpError
        return None
    # What nobody serves is not found, as always.
    return None if request.endpoint is None else setup.show_form()


def _is_always_open() -> bool:
    endpoints = {"static", f"{setup.blueprint.name}.{setup.set_up.__name__}"}
    return request.endpoint in endpoints or request.blueprint in {
        health.blueprint.name,
        metrics.blueprint.name,
    }


def _has_been_set_up() -> bool:
    session = db.session()
    try:
        return is_set_up(session)
    finally:
        # What answers the request begins its own transaction.
        session.rollback()


def _holds_packages() -> bool:
    session = db.session()
    try:
        return has_packages(session)
    finally:
        session.rollback()
