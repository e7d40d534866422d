"""Against forged requests: what a page of another site makes a browser send.

A request that changes something must carry a token that belongs to the browser's session, and must
not come from another origin. Addresses that take no cookies are left out, see `takes_no_cookies`.
A form with files is too large to be read before its token is checked, see `takes_uploads`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, current_app, request
from flask_wtf.csrf import CSRFError, CSRFProtect, validate_csrf
from wtforms import ValidationError

from packslip.web.bodies import answerable_body
from packslip.web.urls import base_url

#: Bytes of a form's body. Nothing that people type is longer.
MAX_FORM = 2 * 2**20

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WITHOUT_COOKIES: set[str] = set()
_WITH_UPLOADS: set[Callable[..., Any]] = set()

_View = TypeVar("_View", bound=Callable[..., Any])

_csrf = CSRFProtect()


def takes_no_cookies(blueprint: Blueprint) -> None:
    """Leave the blueprint out: it identifies people by the Authorization header alone.

    Browsers do not send that by themselves for another site's page.
    """
    _WITHOUT_COOKIES.add(blueprint.name)
    _csrf.exempt(blueprint)


def takes_uploads(view: _View) -> _View:
    """Let a view read its form by itself, however large that is, as `answerable_body`.

    It must call `require_token` before it keeps or does anything, with a field that stands before
    the files: so nothing that was forged is read to its end.
    """
    _WITH_UPLOADS.add(view)
    _csrf.exempt(view)
    return view


def require_token(token: str | None) -> None:
    """Check the token of a form that its view reads by itself.

    Raises:
        CSRFError: it is missing, or is not that of the browser's session.
    """
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CSRFError(str(error)) from None


def require_own_page() -> None:
    """Refuse this request unless a page of this index sent it, with the token of its session.

    It is for addresses of a blueprint that `takes_no_cookies` where a cookie is looked at after
    all. The token goes into the header `X-CSRFToken`.
    """
    _require_own_origin()
    _csrf.protect()


def init_app(app: Flask) -> None:
    """Check each request that may change something, before anything else is done with it."""
    # The token lives as long as the session: a form may stay open over lunch.
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    # The Origin header says more than the Referer, and the latter is often left out.
    app.config.setdefault("WTF_CSRF_SSL_STRICT", False)
    app.before_request(_refuse_foreign_origin)
    _csrf.init_app(app)


def _refuse_foreign_origin() -> None:
    if request.method in _SAFE_METHODS or request.endpoint is None:
        return
    if request.blueprint in _WITHOUT_COOKIES:
        return
    if current_app.view_functions[request.endpoint] in _WITH_UPLOADS:
        answerable_body()
    else:
        request.max_content_length = current_app.config["MAX_CONTENT_LENGTH"] or MAX_FORM
    _require_own_origin()


def _require_own_origin() -> None:
    origin = request.headers.get("Origin")
    if origin is not None and not _is_ours(origin):
        abort(403, "This form was sent from a page of another site.")
    if origin is None and request.headers.get("Sec-Fetch-Site", "same-origin") == "cross-site":
        abort(403, "This form was sent from a page of another site.")


def _is_ours(origin: str) -> bool:
    """Whether pages of that origin (RFC 6454) are this index's."""
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    ours = urlsplit(base_url())
    if (found.scheme, found.netloc) == (ours.scheme, ours.netloc):
        return True
    # The host as the browser sees it; the set address may differ while somebody tries things out.
    # Whoever is between a browser and a server can write pages of that host in plain HTTP, though.
    is_plain = found.scheme == "http" and ours.scheme == "https"
    return found.scheme in {"http", "https"} and found.netloc == request.host and not is_plain
