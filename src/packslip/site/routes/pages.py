"""The pages for people."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response as BaseResponse

from packslip import db
from packslip.accounts.current import current_user
from packslip.accounts.readers import guard_pages
from packslip.downloads.queries import total_downloads
from packslip.downloads.statistics import most_downloaded
from packslip.packages.access import rights_of
from packslip.packages.descriptions import Description, render_description
from packslip.packages.models import Package, Release
from packslip.packages.queries import get_package, get_release, package_latest_release
from packslip.site import queries
from packslip.web.headers import CONTENT_POLICY
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
def package(name: str) -> str | BaseResponse:
    """A package, by its latest release."""
    return _page(name, None)


@blueprint.get("/project/<name>/<version>/")
def release(name: str, version: str) -> str | BaseResponse:
    """One release of a package."""
    return _page(name, version)


def _page(name: str, version: str | None) -> str | BaseResponse:
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
    images = request.args.get("images") == "1"
    page = render_template(
        "site/package.html",
        package=package,
        description=_description(package, release, images=images),
        images=images,
        release=release,
        pinned=version is not None,
        downloads=total_downloads(session, package.id),
        rights=rights_of(session, current_user(), package),
        base_url=base_url(),
    )
    return _allow_images(page) if images else page


def _description(package: Package, release: Release | None, *, images: bool) -> Description:
    told = {} if release is None else release.core_metadata
    text = told.get("description")
    if text:
        return render_description(text, told.get("description_content_type"), images=images)
    return render_description(package.description, package.description_content_type, images=images)


def _allow_images(page: str) -> Response:
    """The page with the images of other hosts, which a reader has asked for."""
    response = make_response(page)
    policy = CONTENT_POLICY.replace("img-src 'self' data:", "img-src 'self' data: https: http:")
    response.headers["Content-Security-Policy"] = policy
    return response
