"""The address for uploads: `POST /legacy/`."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug import Response as BaseResponse
from werkzeug.exceptions import MethodNotAllowed, NotFound

from packslip.accounts.access import require_upload_scope
from packslip.accounts.identity import identify
from packslip.accounts.token_use import note_use
from packslip.attestations.operations import check, keep
from packslip.db import session
from packslip.index.uploads import attestations_of, check_length, check_upload, receive
from packslip.mirror.claiming import discard_unnamed, take_name
from packslip.notes.expiry import lift_expired_of
from packslip.packages.publishing import publication, publish_upload
from packslip.publishers.queries import publisher_for
from packslip.web.bodies import answerable_body
from packslip.web.context import current_settings, current_storage
from packslip.web.forgery import takes_no_cookies
from packslip.web.metrics import current_metrics
from packslip.web.urls import base_url

blueprint = Blueprint("uploads", __name__)
takes_no_cookies(blueprint)

#: By the first digit of the status.
_OUTCOMES = {2: "published", 5: "failed"}


@blueprint.post("/legacy/")
def upload() -> Response:
    """Take a wheel or a source distribution from twine and its like."""
    settings, storage, db_session = current_settings(), current_storage(), session()
    body = answerable_body()
    header = request.headers.get("Authorization")
    address = request.remote_addr
    identity = require_upload_scope(identify(db_session, header, ip_address=address))
    # An upload may take minutes; the connection to the database goes back until it is here.
    db_session.rollback()
    check_length(body.length, settings.max_upload)
    with storage.stage() as staged:
        content_type = request.headers.get("Content-Type", "")
        received = receive(body.blocks(), content_type, staged, settings.max_upload)
        distribution = check_upload(received, staged)
        package_id = distribution.metadata.package
        publisher = publisher_for(db_session, identity, package_id)
        if publisher is not None:
            identity = replace(identity, user=publisher.user)
        told = attestations_of(received)
        checked = told and check(told, distribution, publisher, settings.attestations)
        actor = identity.actor(address)
        lift_expired_of(db_session, package_id)
        with publication(db_session, storage, distribution):
            unnamed = take_name(db_session, identity.user, actor, package_id)
            published = publish_upload(db_session, storage, identity, actor, distribution)
            created = published.created
            if created and checked:
                keep(db_session, published.file, checked)
            if identity.token is not None:
                agent = request.headers.get("User-Agent", "")
                note_use(db_session, identity.token, request.remote_addr, agent)
        discard_unnamed(db_session, storage, unnamed)
    filename = distribution.name.filename
    text = f"OK: {filename} is published." if created else f"OK: {filename} was here already."
    return Response(f"{text}\n", mimetype="text/plain")


@blueprint.after_request
def count(response: Response) -> Response:
    """Count what became of the upload."""
    if request.endpoint == f"{blueprint.name}.{upload.__name__}":
        outcome = _OUTCOMES.get(response.status_code // 100, "refused")
        current_metrics().uploads.labels(outcome).inc()
    return response


@blueprint.post("/legacy")
def upload_without_slash() -> BaseResponse:
    """Tell the exact address. The method stays POST."""
    answerable_body()
    return redirect(url_for(".upload"), code=308)


@blueprint.before_app_request
def refuse_lost_uploads() -> None:
    """Name the right address to whoever uploads to another one, instead of a bare refusal."""
    lost = isinstance(request.routing_exception, (MethodNotAllowed, NotFound))
    if request.method != "POST" or request.mimetype != "multipart/form-data" or not lost:
        return
    answerable_body()
    valid: list[str] | None = getattr(request.routing_exception, "valid_methods", None)
    raise MethodNotAllowed(
        valid, f"This address takes no uploads. Upload to {base_url()}{url_for('uploads.upload')}"
    )
