"""Fetching files, and what is recorded of it."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from packslip.downloads.drain import drain
from packslip.downloads.models import Download
from packslip.downloads.recorder import current_recorder
from packslip.web.context import current_settings


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers=named)


def downloads(session: Session) -> list[Download]:
    current_recorder().close()
    drain(session, current_settings().downloads_folder)
    return list(session.scalars(select(Download).order_by(Download.id)))
