"""Telling how current an answer is that rests on an upstream."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.http import http_date

from packslip.mirror.refreshing import Freshness

#: When upstream last said what the answer says.
CHECKED = "X-Packslip-Upstream-Checked"


def tell_age(response: Response, freshness: Freshness | None) -> Response:
    """Say when upstream was last asked, and when it could not be asked since (RFC 7234, 5.5.2).

    Nothing is said of what is hosted here.
    """
    if freshness is None or freshness.checked_at is None:
        return response
    response.headers[CHECKED] = http_date(freshness.checked_at)
    if freshness.failure is not None:
        response.headers["Warning"] = '111 - "Revalidation Failed"'
    return response
