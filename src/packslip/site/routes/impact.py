"""Who will feel it: who downloaded a package or release of late, and what requires it."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, render_template, request, url_for
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response as BaseResponse

from packslip import db
from packslip.accounts.access import CredentialsNeededError
from packslip.accounts.callers import current_caller, guard_callers, require_packages
from packslip.accounts.current import guard_users, require_user
from packslip.accounts.models import Scope
from packslip.packages.heads import read_head
from packslip.packages.queries import get_package
from packslip.packages.version_ranges import InvalidRangeError, parse_range
from packslip.site.impact import DAYS, Feeling, Impact, Sight, impact_of, sight_of
from packslip.web.conditional import vary_by_reader
from packslip.web.redirects import moved_permanently

blueprint = Blueprint("impact", __name__, template_folder="../templates")
guard_users(blueprint)

api_blueprint = Blueprint("impact_api", __name__, url_prefix="/api/v1/packages")
guard_callers(api_blueprint)


@blueprint.get("/project/<name>/impact/")
@blueprint.get("/project/<name>/<version>/impact/")
def index(name: str, version: str | None = None) -> str | BaseResponse:
    """Show it for a package, some of its releases (`?versions=`), or one."""
    normalized = canonicalize_name(name)
    if normalized != name:
        versions = request.args.get("versions")
        address = url_for(".index", name=normalized, version=version, versions=versions)
        return moved_permanently(address)
    session, user = db.session(), require_user()
    head = read_head(session, user, name, version)
    typed, fault = request.args.get("versions", "").strip() if version is None else "", None
    try:
        version_range = parse_range(typed)
    except InvalidRangeError as error:
        version_range, fault = None, error.reason
    found = impact_of(
        session,
        head.package,
        sight_of(session, user, head.package),
        version_range=version_range,
        version=None if version is None or head.release is None else head.release.version,
    )
    return render_template(
        "site/impact.html", head=head, impact=found, days=DAYS, typed=typed, fault=fault
    )


@api_blueprint.get("/<name>/impact")
def read(name: str) -> Response:
    """The same for tools, which name releases by `?versions=`.

    Tokens lie about in the settings of many tools: one that is not for notes reads no names.
    """
    caller = current_caller()
    if caller is None:
        raise CredentialsNeededError("This")
    package = get_package(db.session(), canonicalize_name(name), without_texts=True)
    require_packages(caller, package.id)
    is_named = caller.token is None or caller.token.scope == Scope.NOTES
    sight = sight_of(db.session(), caller.user, package) if is_named else Sight()
    version_range = parse_range(request.args.get("versions"))
    found = impact_of(db.session(), package, sight, version_range=version_range)
    body = msgspec.json.encode({"package": package.id, "days": DAYS, **_document(found)})
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    vary_by_reader(response, True)
    response.vary.add("Cookie")
    return response


def _document(found: Impact) -> dict[str, Any]:
    return {
        "versions": list(found.versions),
        "downloads": found.downloads,
        "is_all": found.is_all,
        "users": found.users,
        "unknown": found.unknown,
        "people": [_feeling(one) for one in found.people],
        "others": [_feeling(one) for one in found.others],
        "required_by": [
            {"package": one.package_id, "requires": one.text, "only": one.is_left_without}
            for one in found.needing
        ],
    }


def _feeling(one: Feeling) -> dict[str, Any]:
    return {
        "username": one.username,
        "token": one.token,
        "address": one.address,
        "tools": list(one.tools),
        "downloads": one.downloads,
        "last_at": one.last_at,
    }
