"""Sitemaps (sitemaps.org protocol 0.9) and robots.txt (RFC 9309)."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, url_for

from packslip import db
from packslip.accounts.access import readable_packages
from packslip.accounts.readers import current_reader, guard_reading
from packslip.errors import NotFoundError
from packslip.search.browsing import Kind, address_of, list_groups
from packslip.site.queries import count_packages, list_package_pages
from packslip.web.context import current_settings
from packslip.web.urls import base_url

blueprint = Blueprint("sitemaps", __name__, template_folder="../templates")
guard_reading(blueprint)

#: For everybody: to a robot that may not read robots.txt nothing is forbidden.
robots_blueprint = Blueprint("robots", __name__)

#: Addresses that one sitemap may hold by its specification.
MAX_ADDRESSES = 50_000


class UnknownSitemapError(NotFoundError):
    """There are not so many sitemaps."""

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no sitemap {number}.")


@blueprint.get("/sitemap.xml")
def index() -> Response:
    """The sitemap; of an index with many packages, the list of its sitemaps."""
    number = _number()
    if number == 1:
        return _sitemap(1)
    addresses = [base_url() + url_for(".part", number=n + 1) for n in range(number)]
    return _xml("site/sitemap_index.xml", addresses=addresses)


@blueprint.get("/sitemap-<int:number>.xml")
def part(number: int) -> Response:
    """One of the sitemaps; the first one also has the pages that are no package's."""
    if not 1 <= number <= _number():
        raise UnknownSitemapError(number)
    return _sitemap(number)


@robots_blueprint.get("/robots.txt")
def robots() -> Response:
    """A team's index is not for search engines, whether they can reach it or not."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


def _number() -> int:
    readable = readable_packages(current_reader(), current_settings().read)
    addresses = len(_other_pages()) + count_packages(db.session(), readable)
    return -(-addresses // MAX_ADDRESSES)


def _sitemap(number: int) -> Response:
    session = db.session()
    readable = readable_packages(current_reader(), current_settings().read)
    others = _other_pages()
    first = (number - 1) * MAX_ADDRESSES
    last = first + MAX_ADDRESSES
    base = base_url()
    pages = [(base + path, "") for path in others[first:last]]
    # Making tens of thousands of addresses one by one takes longer than all else.
    prefix = base + url_for("site.package", name="-").removesuffix("-/")
    packages = list_package_pages(
        session,
        readable,
        offset=max(0, first - len(others)),
        limit=MAX_ADDRESSES - len(pages),
    )
    pages += [(f"{prefix}{package_id}/", changed) for package_id, changed in packages]
    return _xml("site/sitemap.xml", pages=pages)


def _other_pages() -> list[str]:
    """The paths of pages that are no package's."""
    endpoints = ("site.home", "search.index", "statistics.index", "browse.index")
    paths = [url_for(endpoint) for endpoint in endpoints]
    reader, read = current_reader(), current_settings().read
    for kind in Kind:
        paths.append(url_for(f"browse.{kind}"))
        groups = list_groups(db.session(), kind, reader, read)
        paths += [address_of(kind, group.id) for group in groups]
    return paths


def _xml(template: str, **context: object) -> Response:
    return Response(render_template(template, **context), mimetype="application/xml")
