"""RSS feeds (RSS 2.0)."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime

from flask import Blueprint, Response, render_template, url_for

from packslip import db
from packslip.accounts.readers import guard_reading
from packslip.packages.queries import get_package
from packslip.setting_choices import Read
from packslip.site import queries
from packslip.web.context import current_settings
from packslip.web.urls import base_url

blueprint = Blueprint("feeds", __name__, template_folder="../templates")
guard_reading(blueprint)

#: Entries in a feed.
ENTRIES = 40

#: Characters that XML 1.0 does not allow, in no form.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@blueprint.app_template_global("is_public_index")
def is_public_index() -> bool:
    """Whether everybody reads the index, its feeds included."""
    return current_settings().read is Read.PUBLIC


@blueprint.get("/rss/updates.xml")
def updates() -> Response:
    """The newest releases of hosted packages."""
    rows = queries.newest_releases(db.session(), ENTRIES)
    return feed_of("Newest releases", "/", [_release_item(row) for row in rows])


@blueprint.get("/rss/packages.xml")
def packages() -> Response:
    """The newest hosted packages."""
    rows = queries.newest_packages(db.session(), ENTRIES)
    items = [
        feed_item(row.name, row.summary, url_for("site.package", name=row.package), row.created_at)
        for row in rows
    ]
    return feed_of("New packages", "/", items)


@blueprint.get("/rss/project/<name>/releases.xml")
def releases(name: str) -> Response:
    """The newest releases of one package."""
    session = db.session()
    package = get_package(session, name)
    rows = queries.newest_releases_of(session, package.id, ENTRIES)
    page = url_for("site.package", name=package.id)
    return feed_of(f"Releases of {package.name}", page, [_release_item(row) for row in rows])


def _release_item(row: queries.ReleaseRow) -> dict[str, str]:
    path = url_for("site.release", name=row.package, version=row.version)
    return feed_item(f"{row.name} {row.version}", row.summary, path, row.created_at)


def feed_item(
    title: str, description: str, path: str, moment: datetime, guid: str = ""
) -> dict[str, str]:
    """An entry of a feed; `guid` names it where several lead to one page."""
    return {
        "title": title,
        "description": description,
        "link": base_url() + path,
        "guid": guid,
        "date": format_datetime(moment),
    }


def feed_of(title: str, path: str, items: list[dict[str, str]]) -> Response:
    """The feed about what stands under that path."""
    link = base_url() + path
    feed = render_template("site/feed.xml", title=title, link=link, items=items)
    return Response(_NOT_XML.sub("", feed), mimetype="application/rss+xml")
