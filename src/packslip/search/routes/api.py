"""The search as JSON: `/api/v1/search`."""

from __future__ import annotations

import msgspec
from flask import Blueprint, request
from werkzeug import Response

from packslip.accounts.readers import current_reader, guard_reading
from packslip.db import session
from packslip.notes.readers import reader_of
from packslip.search.documents import document
from packslip.search.notes import notes_of
from packslip.search.queries import search
from packslip.search.request import query_from
from packslip.web.conditional import revalidated, vary_by_reader
from packslip.web.context import current_settings
from packslip.web.urls import base_url

blueprint = Blueprint("search_api", __name__)
guard_reading(blueprint)


@blueprint.get("/api/v1/search")
def index() -> Response:
    """Find packages and notes; the arguments are those of the search page."""
    query, reader = query_from(request.args), current_reader()
    found = search(session(), query, reader, current_settings().read)
    notes = notes_of(session(), query, reader_of(reader))
    body = msgspec.json.encode(document(found, notes, base_url()))
    response = revalidated(body, "application/json")
    vary_by_reader(response, reader is not None)
    return response
