"""A user's page, as everybody who may read the index sees it."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.access import readable_packages
from packslip.accounts.current import current_user
from packslip.accounts.models import Role
from packslip.accounts.readers import current_reader, guard_pages
from packslip.downloads.rollups import RECENT_DAYS
from packslip.downloads.statistics import Period
from packslip.search.queries import found_packages
from packslip.site import people
from packslip.teams.queries import list_memberships
from packslip.web.context import current_settings
from packslip.web.redirects import moved_permanently

blueprint = Blueprint("people", __name__, template_folder="../templates")
guard_pages(blueprint)


@blueprint.get("/user/<username>/")
def person(username: str) -> str | Response:
    """Who somebody is here: what they look after, what they uploaded."""
    session, viewer = db.session(), current_user()
    found = people.get_person(session, username, viewer)
    if found.username != username:
        return moved_permanently(url_for(".person", username=found.username))
    readable = readable_packages(current_reader(), current_settings().read)
    page = request.args.get("page", 1, type=int)
    maintained = people.list_maintained_page(session, found, readable, page)
    days = Period(RECENT_DAYS).each_day()
    is_own = viewer is not None and viewer.id == found.id
    is_admin = viewer is not None and viewer.role == Role.ADMIN
    return render_template(
        "site/person.html",
        person=found,
        initials=people.initials(found),
        is_own=is_own,
        is_admin=is_admin,
        maintained=maintained,
        teams=[] if viewer is None else list_memberships(session, found),
        packages=found_packages(session, list(maintained.roles), days),
        uploads=people.recent_uploads(session, found, readable),
    )
