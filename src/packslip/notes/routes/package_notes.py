"""The notes on a package among its own pages, and what all of these tell of notes."""

from __future__ import annotations

import re

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup, escape
from packaging.utils import canonicalize_name
from werkzeug import Response

from packslip import db
from packslip.accounts.current import current_user
from packslip.accounts.readers import guard_pages
from packslip.notes.access import allowed_acts
from packslip.notes.package_notes import PackageNotes, list_notes_on, read_package_notes
from packslip.notes.rendering import beginning_of
from packslip.packages.heads import Head, read_head
from packslip.packages.models import Act, Package
from packslip.packages.version_ranges import exact_range
from packslip.web.redirects import moved_permanently

blueprint = Blueprint("package_notes", __name__, template_folder="../templates")
guard_pages(blueprint)

_NUMBER = re.compile(r"\(note (\d{1,18})\)")


@blueprint.get("/project/<name>/notes/")
@blueprint.get("/project/<name>/<version>/notes/")
def index(name: str, version: str | None = None) -> str | Response:
    """The notes on a package, or on one release of it."""
    normalized = canonicalize_name(name)
    if normalized != name:
        return moved_permanently(url_for(".index", name=normalized, version=version))
    session, user = db.session(), current_user()
    head = read_head(session, user, name, version)
    page = request.args.get("page", 1, type=int)
    listing = list_notes_on(session, user, head.package.id, head.version, page)
    return render_template(
        "notes/package.html",
        head=head,
        listing=listing,
        me=user,
        beginnings={one.note.id: beginning_of(one.note.body) for one in listing.notes},
        versions=None if head.version is None else exact_range(head.version, ()),
    )


@blueprint.app_template_global("notes_on")
def notes_on(head: Head) -> PackageNotes:
    """What notes say on a page of a package, for its reader."""
    user = current_user()
    return read_package_notes(db.session(), user, head.package.id, head.version)


@blueprint.app_template_global("allowed_acts_on")
def allowed_acts_on(package: Package) -> list[Act]:
    """What the reader may do to the package by notes."""
    return allowed_acts(db.session(), current_user(), package)


@blueprint.app_template_global("reason_with_links")
def reason_with_links(reason: str, notes: PackageNotes) -> Markup:
    """The reason of a yank or status, in which the numbers of notes lead to those notes.

    Only those that act on the package do, and only for who may open them: whatever else a title
    says is text.
    """
    linked = Markup()
    end = 0
    for found in _NUMBER.finditer(reason):
        number = int(found[1])
        if number not in notes.readable:
            continue
        address = url_for("notes.view", note_id=number)
        link = Markup('(<a href="{}">note {}</a>)').format(address, number)
        linked += escape(reason[end : found.start()]) + link
        end = found.end()
    return linked + escape(reason[end:])
