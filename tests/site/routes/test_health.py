"""Whether the process is alive and ready."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.app import make_app

from packslip.upgrading import schema_revisions


def test_a_living_process_needs_no_database(tmp_path: Path) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path}/missing/packslip.db")
    assert app.test_client().get("/healthz").status_code == 200


def test_everything_in_order_is_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.get_json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "storage": "ok",
    }


def test_an_old_schema_is_not_ready(app: Flask, client: FlaskClient) -> None:
    _, newest = schema_revisions()
    flask_migrate.downgrade()
    current, _ = schema_revisions()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["migrations"] == f"at {current}, not at {newest}"


def test_a_storage_that_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite:///{tmp_path}/packslip.db"
    app = make_app(tmp_path, url, PACKSLIP_STORAGE_URL=(tmp_path / "file").as_uri())
    response = app.test_client().get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["storage"] != "ok"
    assert str(tmp_path) not in response.text


def test_no_secret_of_the_database_is_told(session: Session, client: FlaskClient) -> None:
    session.execute(text("DROP TABLE alembic_version"))
    session.commit()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "://" not in response.text
