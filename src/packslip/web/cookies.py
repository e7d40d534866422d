"""The cookie that holds a browser's session: signed, and out of reach of scripts.

It holds the token against forged requests, messages for the next page, and the secret of the
session on the server that says who is logged in (`packslip.accounts.current`).
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, has_request_context, request
from flask.sessions import SecureCookieSessionInterface

from packslip.web.context import current_settings

#: How long a browser keeps the cookie of somebody who is logged in.
LIFETIME = timedelta(days=30)

_NAME = "packslip_session"


class _Cookie(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:
        if current_settings().base_url.startswith("https:"):
            return True
        return has_request_context() and request.is_secure

    def get_cookie_name(self, app: Flask) -> str:
        # Browsers take a cookie with this prefix only from the very host, over HTTPS (RFC 6265bis):
        # no other host of the same domain can put its own in our place.
        return f"__Host-{_NAME}" if self.get_cookie_secure(app) else _NAME

    def get_cookie_path(self, app: Flask) -> str:
        return "/"


def is_any_sent() -> bool:
    """Whether the browser has such a cookie, be it empty or of somebody who has logged out."""
    return not request.cookies.keys().isdisjoint({_NAME, f"__Host-{_NAME}"})


def init_app(app: Flask) -> None:
    """Set the cookie up."""
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        # Not "Strict": a link in a mail would find everybody logged out.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )
    app.session_interface = _Cookie()
