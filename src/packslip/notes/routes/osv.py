"""Advisories for audit tools: `/osv/v1/query`, `/osv/v1/querybatch`, `/osv/v1/vulns/<id>`.

The same stands below `/v1/`: tools that join the address of the service and `v1/query` as links are
joined leave `osv` out, unless the address ends with a slash. uv does so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from werkzeug import Response as BaseResponse

from packslip.accounts.access import readable_packages
from packslip.accounts.readers import current_reader, current_reading_user, guard_reading
from packslip.db import session
from packslip.errors import InvalidError
from packslip.notes.osv import (
    ECOSYSTEM,
    OsvQuery,
    UnknownAdvisoryError,
    find_advisories,
    get_advisory,
    known_versions,
    record,
)
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.web.conditional import revalidated, vary_by_reader
from packslip.web.context import current_settings
from packslip.web.forgery import takes_no_cookies
from packslip.web.urls import base_url

#: Queries that are answered together, as many as OSV answers.
MAX_QUERIES = 1_000

#: Bytes of a request.
_LONGEST_BODY = 2 * 2**20

blueprint = Blueprint("osv", __name__)
# Nothing is changed, and another site's page cannot read the answer.
takes_no_cookies(blueprint)
guard_reading(blueprint)


class InvalidQueryError(InvalidError):
    """The body is no query of OSV's API."""


@blueprint.post("/osv/v1/query")
@blueprint.post("/v1/query")
def query() -> Response:
    """Give the advisories about a package, or about a version of it."""
    asked = _query(_body())
    (found,) = find_advisories(session(), [asked], current_reading_user())
    versions = known_versions(session(), {one.package_id for one in found}) if found else {}
    vulns = [record(one, versions.get(one.package_id, ()), base_url()) for one in found]
    return _answer({"vulns": vulns} if vulns else {})


@blueprint.post("/osv/v1/querybatch")
@blueprint.post("/v1/querybatch")
def querybatch() -> Response:
    """Give the ids of the advisories for many queries."""
    queries = _body().get("queries")
    if not isinstance(queries, list):
        raise InvalidQueryError("The body has no list of queries.")
    if len(queries) > MAX_QUERIES:
        raise InvalidQueryError(f"At most {MAX_QUERIES:,} queries are answered together.")
    found = find_advisories(session(), [_query(one) for one in queries], current_reading_user())
    results = [[{"id": one.id, "modified": one.modified} for one in each] for each in found]
    return _answer({"results": [{"vulns": each} if each else {} for each in results]})


@blueprint.get("/osv/v1/vulns/<id>")
@blueprint.get("/v1/vulns/<id>")
def vulnerability(id: str) -> BaseResponse:  # noqa: A002 - the word of OSV's API
    """Give one advisory."""
    found = get_advisory(session(), id, current_reading_user())
    limit = readable_packages(current_reader(), current_settings().read)
    if limit is not None and found.package_id not in limit:
        raise UnknownAdvisoryError
    versions = known_versions(session(), {found.package_id})
    body = msgspec.json.encode(record(found, versions.get(found.package_id, ()), base_url()))
    response = revalidated(body, "application/json")
    vary_by_reader(response, True)
    return response


def _answer(document: Mapping[str, Any]) -> Response:
    response = Response(msgspec.json.encode(document), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _body() -> Mapping[str, Any]:
    request.max_content_length = _LONGEST_BODY
    try:
        body = msgspec.json.decode(request.get_data())
    except (msgspec.DecodeError, RecursionError):
        raise InvalidQueryError("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise InvalidQueryError("The body is no JSON object.")
    return body


def _query(asked: object) -> OsvQuery:
    """Read a query: a package by its ecosystem and name or by its purl, and a version."""
    if not isinstance(asked, dict):
        raise InvalidQueryError("A query is no JSON object.")
    package = asked.get("package")
    version = asked.get("version")
    if not isinstance(package, dict) or not isinstance(version, str | None):
        # Queries by commit are about repositories, of which nothing is known here.
        return OsvQuery(None, None)
    name = package.get("name") if package.get("ecosystem") == ECOSYSTEM else None
    purl = package.get("purl")
    if name is None and isinstance(purl, str) and purl.startswith("pkg:pypi/"):
        name, _, at = purl.removeprefix("pkg:pypi/").partition("?")[0].partition("@")
        version = version or at or None
    if not isinstance(name, str):
        return OsvQuery(None, None)
    try:
        package_id = normalize_name(name)
    except InvalidPackageNameError:
        return OsvQuery(None, None)
    limit = readable_packages(current_reader(), current_settings().read)
    if limit is not None and package_id not in limit:
        return OsvQuery(None, None)
    return OsvQuery(package_id, version[:200] if version else None)
