"""What the server counts, for Prometheus."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder

from packslip.errors import NotAllowedError, UnauthenticatedError
from packslip.setting_choices import MetricsAudience
from packslip.site.gauges import StateCollector
from packslip.web.context import current_settings
from packslip.web.metrics import current_metrics

blueprint = Blueprint("metrics", __name__)

#: What proxies say of whom they speak for.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class MetricsTokenNeededError(UnauthenticatedError):
    """The metrics are for those who have the token."""

    def __init__(self) -> None:
        super().__init__("The metrics need the token that PACKSLIP_METRICS_TOKEN holds.")


class MetricsNotForYouError(NotAllowedError):
    """The metrics are for others."""

    def __init__(self) -> None:
        super().__init__(
            "The metrics are not for this address; PACKSLIP_METRICS and PACKSLIP_METRICS_TOKEN"
            " say who may read them."
        )


@blueprint.get("/metrics")
def index() -> Response:
    """Tell what all processes of this server have counted, and how things stand."""
    _require_audience()
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    body = current_metrics().tell(encode, StateCollector())
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def _require_audience() -> None:
    settings = current_settings()
    if settings.metrics_token and _has_token(settings.metrics_token):
        return
    if settings.metrics is MetricsAudience.EVERYBODY:
        return
    if settings.metrics is MetricsAudience.LOCAL and _is_local():
        return
    raise MetricsTokenNeededError if settings.metrics_token else MetricsNotForYouError


def _has_token(token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _is_local() -> bool:
    """Whether a program on this machine asks for itself, and no proxy for somebody else."""
    if request.remote_addr is None or any(name in request.headers for name in _FORWARDED):
        return False
    return ip_address(request.remote_addr).is_loopback
