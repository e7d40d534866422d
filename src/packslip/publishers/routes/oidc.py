"""What uploading tools ask to publish without a password: trusted publishing, as PyPI has it.

Tools derive the addresses from the host that they upload to, or ask for them (PEP 807).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotAcceptable

from packslip.db import session, write_transaction
from packslip.errors import InvalidError, NotFoundError
from packslip.events.operations import Actor
from packslip.publishers.current import current_issuers
from packslip.publishers.issuers import LARGEST_TOKEN, InvalidTokenError
from packslip.publishers.operations import NoPublisherError, ReusedIdentityError, mint_token
from packslip.web.bodies import RequestBody, answerable_body
from packslip.web.errors import reason_phrase
from packslip.web.forgery import takes_no_cookies
from packslip.web.urls import base_url

blueprint = Blueprint("oidc", __name__)
takes_no_cookies(blueprint)

#: What PyPI calls each refusal.
_CODES: tuple[tuple[type[InvalidError], str], ...] = (
    (InvalidTokenError, "invalid-token"),
    (ReusedIdentityError, "invalid-reuse-token"),
    (NoPublisherError, "invalid-publisher"),
)


class NotPublishingError(NotFoundError):
    """No issuer is trusted here."""

    def __init__(self) -> None:
        super().__init__("This index takes no identities: no issuer is trusted.")


def audience() -> str:
    """For whom identities must be issued: the name of this host."""
    return urlsplit(base_url()).hostname or "localhost"


@blueprint.get("/_/oidc/audience")
def tell_audience() -> Response:
    """For whom an identity must be issued."""
    _require_trusted()
    return _json({"audience": audience()})


@blueprint.post("/_/oidc/mint-token")
def mint() -> Response:
    """Exchange an identity for a token that uploads for some minutes."""
    body = answerable_body()
    _require_trusted()
    try:
        identity = _read_identity(body)
        claims = current_issuers().verify(identity, audience())
        db_session = session()
        with write_transaction(db_session):
            secret, expires_at = mint_token(
                db_session, Actor.publisher(request.remote_addr), claims
            )
    except InvalidError as error:
        return _refused(error)
    return _json({"success": True, "token": secret, "expires": int(expires_at.timestamp())})


@blueprint.get("/.well-known/pytp")
def discover() -> Response:
    """Where an uploading tool gets its token (PEP 807)."""
    _require_trusted()
    if request.accept_mimetypes and not request.accept_mimetypes["application/json"]:
        raise NotAcceptable("This is offered as application/json alone.")
    if request.args.get("discover", "") != url_for("uploads.upload"):
        raise NotPublishingError
    return _json(
        {
            "audience-endpoint": f"{base_url()}{url_for('.tell_audience')}",
            "token-mint-endpoint": f"{base_url()}{url_for('.mint')}",
            "features": ["multi-use-token"],
            "default-features": ["multi-use-token"],
        }
    )


def _require_trusted() -> None:
    if not current_issuers().trusted:
        raise NotPublishingError


class _Sent(msgspec.Struct):
    token: str


def _read_identity(body: RequestBody) -> str:
    sent = bytearray()
    for block in body.blocks():
        sent += block
        if len(sent) > 2 * LARGEST_TOKEN:
            raise InvalidError("What was sent is too large for an identity.")
    try:
        return msgspec.json.decode(sent, type=_Sent).token
    except msgspec.DecodeError as error:
        raise InvalidError('Send JSON such as {"token": "…"}.') from error


def _refused(error: InvalidError) -> Response:
    """What tools print: a message, and a code that PyPI gave each reason."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "invalid-payload")
    response = _json(
        {
            "message": "Token request failed",
            "errors": [{"code": code, "description": error.reason}],
        }
    )
    response.status = f"{HTTPStatus.UNPROCESSABLE_ENTITY.value} {reason_phrase(error.reason)}"
    return response


def _json(data: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(data), mimetype="application/json", headers=headers)
