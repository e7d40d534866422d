"""Provenance, at the addresses of PyPI's Integrity API."""

from __future__ import annotations

from flask import Blueprint
from packaging.utils import canonicalize_name
from werkzeug import Response

from packslip.accounts.access import require_reader
from packslip.accounts.readers import current_reader, guard_reading
from packslip.attestations.answers import answer_provenance
from packslip.attestations.queries import provenance_of
from packslip.db import session
from packslip.web.context import current_settings

blueprint = Blueprint("integrity", __name__)
guard_reading(blueprint)


@blueprint.get("/integrity/<name>/<version>/<filename>/provenance")
def provenance(name: str, version: str, filename: str) -> Response:
    """The provenance of a file: what came with it, and who published it (PEP 740)."""
    package_id = canonicalize_name(name)
    require_reader(current_reader(), current_settings().read, package_id)
    return answer_provenance(provenance_of(session(), package_id, version, filename))
