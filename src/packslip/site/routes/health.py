"""Whether the process is alive, and whether it can do its work."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from packslip import db
from packslip.errors import PackslipError
from packslip.upgrading import schema_fault
from packslip.web.context import current_storage

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("OK\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})


@blueprint.get("/readyz")
def ready() -> Response:
    """Each part that is needed to work: `ok`, or what is wrong with it; 503 if any is."""
    parts = {"database": _database(), "migrations": _migrations(), "storage": _storage()}
    status = 200 if all(state == "ok" for state in parts.values()) else 503
    body = msgspec.json.encode({"status": "ok" if status == 200 else "failing", **parts})
    headers = {"Cache-Control": "no-store"}
    return Response(body, status, mimetype="application/json", headers=headers)


def _database() -> str:
    try:
        db.session().execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return type(error).__name__
    return "ok"


def _migrations() -> str:
    try:
        return schema_fault() or "ok"
    except SQLAlchemyError as error:
        return type(error).__name__


def _storage() -> str:
    try:
        current_storage().check()
    except PackslipError as error:
        return error.reason
    return "ok"
