"""The home page."""

from __future__ import annotations

from flask import Blueprint, render_template

from packslip import db
from packslip.accounts.current import current_user
from packslip.accounts.readers import guard_pages
from packslip.downloads.statistics import most_downloaded
from packslip.notes.lists import due_acts, recent_team_notes
from packslip.site import queries
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
        notes=recent_team_notes(session, 5, public=user is None),
        due=[] if user is None else due_acts(session, user, 10),
        base_url=base_url(),
    )
