"""Browsing packages by licence and by programming language."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from packslip.accounts.readers import current_reader, guard_pages
from packslip.db import session
from packslip.search.browsing import Group, Kind, address_of, list_groups, read_group
from packslip.search.request import InvalidSearchError, Sort
from packslip.texts import brief
from packslip.web.context import current_settings

blueprint = Blueprint("browse", __name__, template_folder="../templates", url_prefix="/browse")
guard_pages(blueprint)

#: Groups of each kind on the first page.
MOST = 20

#: Groups on a page of all.
PER_PAGE = 200

_SORTS = {
    Sort.NAME: "By name",
    Sort.DOWNLOADS: "Most downloaded first",
    Sort.DATE: "Newest first",
}


@blueprint.app_template_global("browse_address")
def browse_address(kind: str, name: str) -> str:
    """The page of a licence (`licenses`) or language (`languages`), for templates."""
    return address_of(Kind(kind), name)


@blueprint.get("/")
def index() -> str:
    """The licences and languages that most packages have."""
    found = [(kind, _groups(kind)) for kind in Kind]
    return render_template(
        "search/browse.html",
        kinds=[(kind, groups[:MOST], len(groups)) for kind, groups in found],
    )


@blueprint.get("/licenses/")
def licenses() -> str:
    """All licences."""
    return _list(Kind.LICENSES)


@blueprint.get("/licenses/<path:group_id>/")
def license_page(group_id: str) -> str:
    """The packages with a licence."""
    return _group(Kind.LICENSES, group_id)


@blueprint.get("/languages/")
def languages() -> str:
    """All programming languages."""
    return _list(Kind.LANGUAGES)


@blueprint.get("/languages/<path:group_id>/")
def language_page(group_id: str) -> str:
    """The packages that name a programming language."""
    return _group(Kind.LANGUAGES, group_id)


def _groups(kind: Kind) -> list[Group]:
    return list_groups(session(), kind, current_reader(), current_settings().read)


def _list(kind: Kind) -> str:
    if "id" in request.args:
        return _group(kind, request.args["id"])
    groups = _groups(kind)
    pages = max(1, -(-len(groups) // PER_PAGE))
    page = min(_page(), pages)
    return render_template(
        "search/browse_kind.html",
        kind=kind,
        groups=groups[(page - 1) * PER_PAGE : page * PER_PAGE],
        number=len(groups),
        page=page,
        pages=pages,
    )


def _group(kind: Kind, name: str) -> str:
    found = read_group(
        session(),
        kind,
        name,
        sort=_sort(),
        page=_page(),
        viewer=current_reader(),
        read=current_settings().read,
    )
    return render_template(
        "search/browse_group.html",
        kind=kind,
        found=found,
        sorts=_SORTS,
        # In addresses of the same page, which holds it in its path or in its query.
        kept={"id": name} if "id" in request.args else {},
    )


def _sort() -> Sort:
    asked = request.args.get("sort", Sort.NAME.value)
    if asked not in _SORTS:
        raise InvalidSearchError("sort", f"Packages cannot be ordered by {brief(asked)!r}.")
    return Sort(asked)


def _page() -> int:
    return min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
