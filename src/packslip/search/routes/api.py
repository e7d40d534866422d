"""The search as JSON: `/api/v1/search`."""

from __future__ import annotations

import msgspec
from flask import Blueprint, request
from werkzeug import Response

from packslip.accounts.readers import current_reader, guard_reading
from packslip.db import session
from packslip.search.documents import document
from packslip.search.queries import search
from packslip.search.request import query_from
from packslip.web.conditional import revalidated
from packslip.web.context import current_settings
from packslip.web.urls import base_url

blueprint = Blueprint("search_api", __name__)
guard_reading(blueprint)


@blueprint.get("/api/v1/search")
def index() -> Response:
    """Find packages; the arguments are those of the search page."""
    query = query_from(request.args)
    found = search(session(), query, current_reader(), current_settings().read)
    return revalidated(msgspec.json.encode(document(found, base_url())), "application/json")
