"""The Simple API: `/simple/` and `/simple/<name>/` (PEP 503, 691)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from flask import Blueprint, request, url_for
from werkzeug import Response

from packslip.accounts.readers import current_reading_user, guard_reading
from packslip.db import session
from packslip.index import queries
from packslip.index.finished import Basis
from packslip.index.finishing import keep_finished
from packslip.index.freshness import tell_age
from packslip.index.placed_pages import HTML, JSON, place_page
from packslip.mirror.current import current_mirror
from packslip.mirror.refreshing import Freshness, make_current
from packslip.mirror.verdict import judged, rules_of_token
from packslip.notes.expiry import read_current
from packslip.packages.stamps import ALL_PACKAGES, stamp_of
from packslip.simple_api.negotiate import Form, negotiate
from packslip.simple_api.page import PackagePage, RootPage
from packslip.simple_api.render import package_html, package_json, root_html, root_json
from packslip.web.compression import encoded
from packslip.web.conditional import revalidated, vary_by_reader
from packslip.web.redirects import moved_permanently
from packslip.web.urls import base_url

blueprint = Blueprint("simple", __name__)
guard_reading(blueprint)

Page = TypeVar("Page", PackagePage, RootPage)

_CONTENT_TYPES = {
    Form.JSON: Form.JSON.value,
    Form.HTML: Form.HTML.value,
    Form.LEGACY_HTML: "text/html; charset=utf-8",
}


# Flask's own redirect to the slash would name the host.
@blueprint.get("/simple/", strict_slashes=False)
def root() -> Response:
    """List all packages."""
    if not request.path.endswith("/"):
        return moved_permanently(url_for(".root"))
    db_session, with_unkept = session(), bool(current_mirror())
    stamp = stamp_of(db_session, ALL_PACKAGES)
    page = queries.root_page(db_session, with_unkept=with_unkept)
    response, body, _ = _answer(page, _form(), root_json, root_html)
    # Without a mirror the list rests on which bytes are held, and those of mirrored files may go
    # without an event.
    if with_unkept or not queries.has_mirrored_packages(db_session):
        keep_finished(response, body, Basis(ALL_PACKAGES, stamp))
    return response


@blueprint.get("/simple/<name>/", strict_slashes=False)
def package(name: str) -> Response:
    """List the files of a package."""
    normalized = queries.sought_name(name)
    if name != normalized or not request.path.endswith("/"):
        return moved_permanently(url_for(".package", name=normalized))
    db_session, with_unkept = session(), bool(current_mirror())
    freshness = make_current(db_session, normalized)
    stamp = stamp_of(db_session, normalized)
    page = read_current(
        db_session,
        lambda: queries.package_page(
            db_session, normalized, with_unkept=with_unkept, base_url=base_url()
        ),
    )
    until = page.acts_until
    if page.is_mirrored or freshness is not None:
        page, until = _as_ruled(page, freshness, until)
    form = _form()
    with_notes = form is Form.JSON and page.has_notes
    if with_notes:
        # The HTML form has no room for notes.
        page = queries.with_notes(db_session, page, current_reading_user(), base_url())
    response, body, plain = _answer(page, form, package_json, package_html)
    if with_notes:
        vary_by_reader(response, page.is_for_some)
    if freshness is None or freshness.until is not None:
        keep_finished(response, body, Basis(normalized, stamp, until))
    if freshness is None and until is None:
        place_page(normalized, {JSON if form is Form.JSON else HTML: plain}, stamp, response)
    return tell_age(response, freshness)


def _as_ruled(
    page: PackagePage, freshness: Freshness | None, until: datetime | None
) -> tuple[PackagePage, datetime | None]:
    """The page of a mirrored package without what rules withhold, and until when it is right."""
    rules = None if freshness is None else rules_of_token(session(), freshness.rules_token)
    withheld, changes_at = judged(session(), page.name, datetime.now(UTC), rules)
    page = replace(page, files=[file for file in page.files if file.filename not in withheld])
    asked_at = None if freshness is None else freshness.until
    ends = [end for end in (until, asked_at, changes_at) if end is not None]
    return page, min(ends, default=None)


def _form() -> Form:
    return negotiate(request.headers.get("Accept"), request.args.get("format"))


def _answer(
    page: Page, form: Form, to_json: Callable[[Page], bytes], to_html: Callable[[Page], bytes]
) -> tuple[Response, bytes, bytes]:
    """The answer and its body, which is in it only if the client does not have it already.

    The body comes as it is sent, and plain.
    """
    plain = to_json(page) if form is Form.JSON else to_html(page)
    body, encoding = encoded(plain)
    response = revalidated(body, _CONTENT_TYPES[form], encoding)
    response.vary.update(["Accept", "Accept-Encoding"])
    response.headers["X-PyPI-Last-Serial"] = str(page.last_serial)
    return response, body, plain
