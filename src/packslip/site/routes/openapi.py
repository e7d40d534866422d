"""The description of the API: `/api/v1/openapi.json`."""

from __future__ import annotations

import msgspec
from flask import Blueprint
from werkzeug import Response

from packslip.accounts.readers import guard_reading
from packslip.site.openapi import openapi_document
from packslip.web.conditional import revalidated
from packslip.web.urls import base_url

blueprint = Blueprint("openapi", __name__)
guard_reading(blueprint)


@blueprint.get("/api/v1/openapi.json")
def index() -> Response:
    """Describe every address of the API."""
    return revalidated(msgspec.json.encode(openapi_document(base_url())), "application/json")
