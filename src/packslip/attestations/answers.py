"""How provenance is answered."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import request
from werkzeug import Response

from packslip.errors import NotAcceptableError
from packslip.web.conditional import revalidated

#: The type of PyPI's Integrity API; the other is for who cannot ask for that.
TYPE = "application/vnd.pypi.integrity.v1+json"
_TYPES = [TYPE, "application/json"]


def answer_provenance(told: dict[str, Any]) -> Response:
    """Answer with the provenance object (PEP 740).

    Raises:
        NotAcceptableError: the client takes none of the types that there are.
    """
    accepted = request.accept_mimetypes.best_match(_TYPES) if request.accept_mimetypes else TYPE
    if accepted is None:
        raise NotAcceptableError(f"The provenance is there as {' and '.join(_TYPES)}.")
    response = revalidated(msgspec.json.encode(told), accepted)
    response.vary.add("Accept")
    return response
