"""Whoever must have a second factor and has none finds the page that adds one, and no other."""

from __future__ import annotations

from flask import Flask, redirect, request, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import current_user
from packslip.accounts.readers import is_for_tools
from packslip.packages.second_factor import lacks_second_factor
from packslip.setting_choices import Read
from packslip.web.context import current_settings

#: The blueprints that stay open: that page itself, and what needs no log-in.
_OPEN = frozenset(
    {
        "confirmation",
        "health",
        "metrics",
        "login",
        "passkey",
        "recovery",
        "register",
        "second_factor",
        "setup",
        "uploads",
    }
)

#: What everybody may read while the index is public.
_PUBLIC = frozenset({"site"})


def init_app(app: Flask) -> None:
    """Look at each request before its page does."""
    app.before_request(_lead_to_second_factor)


def _lead_to_second_factor() -> Response | None:
    if _is_open():
        return None
    user = current_user()
    if user is None or not lacks_second_factor(db.session(), user):
        return None
    return redirect(url_for("second_factor.index"), code=303)


def _is_open() -> bool:
    if request.endpoint in (None, "static") or request.blueprint in _OPEN:
        return True
    if is_for_tools(request.blueprint):
        return True
    return request.blueprint in _PUBLIC and current_settings().read is Read.PUBLIC
