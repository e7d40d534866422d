"""RSS feeds of notes: what they do to packages, and what was noted."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from packslip import db
from packslip.accounts.readers import guard_reading
from packslip.notes.decisions import OF_NOTES, Decision, DecisionFilter, list_decisions
from packslip.notes.routes.shared import request_reader
from packslip.packages.queries import get_package
from packslip.site.routes.feeds import ENTRIES, feed_item, feed_of
from packslip.web.conditional import answer_conditionally, vary_by_reader
from packslip.web.urls import base_url

blueprint = Blueprint("note_feeds", __name__, url_prefix="/rss")
guard_reading(blueprint)


@blueprint.get("/notes.xml")
def notes() -> BaseResponse:
    """What notes did, and which were written, wherever the reader may know."""
    return _feed(DecisionFilter(), "Notes", url_for("decisions.team"))


@blueprint.get("/project/<name>/notes.xml")
def package(name: str) -> BaseResponse:
    """The same for one package."""
    found = get_package(db.session(), name)
    path = url_for("decisions.package", name=found.id)
    return _feed(DecisionFilter(package=found.id), f"Notes on {found.name}", path)


def _feed(wanted: DecisionFilter, title: str, path: str) -> BaseResponse:
    session, reader = db.session(), request_reader()
    found = list_decisions(session, reader, wanted, limit=ENTRIES, actions=OF_NOTES)
    response: Response = feed_of(title, path, [_item(one) for one in found])
    # Each reader is shown what they may read; nothing of it is kept for another one.
    response.cache_control.no_cache = True
    vary_by_reader(response, True)
    response.vary.add("Cookie")
    response.add_etag()
    return answer_conditionally(response)


def _item(decision: Decision) -> dict[str, str]:
    subject = " ".join(text for text in (decision.package, decision.about) if text)
    title = f"{subject} {decision.what}: {decision.title}" if subject else decision.title
    path = url_for("notes.view", note_id=decision.note_id)
    act = f" ({decision.act})" if decision.act else ""
    said = f"{decision.what}{act} by {decision.who}: {decision.title} (note {decision.note_id})"
    guid = f"{base_url()}/events/{decision.id}"
    return feed_item(title, said, path, decision.at, guid)
