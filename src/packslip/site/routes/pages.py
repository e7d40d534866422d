"""The pages for people."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response

from packslip import db
from packslip.accounts.current import current_user
from packslip.accounts.readers import guard_pages
from packslip.downloads.queries import total_downloads
from packslip.downloads.statistics import most_downloaded
from packslip.packages.access import rights_of
from packslip.packages.queries import get_package, get_release, package_latest_release
from packslip.site import queries
from packslip.web.redirects import moved_permanently
from packslip.web.urls import base_url

blueprint = Blueprint("site", __name__, template_folder="../templates")
guard_pages(blueprint)


@blueprint.get("/")
def home() -> str:
    """What the index holds, and how to use it."""
    session, user = db.session(), current_user()
    return render_template(
        "site/home.html",
        counts=queries.counts(session),
        releases=queries.newest_releases(session, 10),
        most=most_downloaded(session, 10),
        mine=[] if user is None else queries.packages_of(session, user, 10),
        base_url=base_url(),
    )


@blueprint.get("/project/<name>/")
def package(name: str) -> str | Response:
    """A package, by its latest release."""
    return _page(name, None)


@blueprint.get("/project/<name>/<version>/")
def release(name: str, version: str) -> str | Response:
    """One release of a package."""
    return _page(name, version)


def _page(name: str, version: str | None) -> str | Response:
    normalized = canonicalize_name(name)
    if normalized != name:
        endpoint = "site.release" if version else "site.package"
        return moved_permanently(url_for(endpoint, name=normalized, version=version))
    session = db.session()
    package = get_package(session, normalized)
    if version is None:
        release = package_latest_release(package.releases)
    else:
        release = get_release(session, package, version)
    return render_template(
        "site/package.html",
        package=package,
        release=release,
        pinned=version is not None,
        downloads=total_downloads(session, package.id),
        rights=rights_of(session, current_user(), package),
        base_url=base_url(),
    )
