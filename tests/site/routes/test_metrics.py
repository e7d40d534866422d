"""What is counted, and who may read it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session
from tests.helpers.app import make_app

from packslip.db import db, write_transaction
from packslip.mail.models import Mail

TOKEN = "a token for Prometheus"


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each number, by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def measured(client: FlaskClient) -> dict[tuple[str, ...], float]:
    with client.get("/metrics") as response:
        assert response.status_code == 200
        return samples(response.text)


def application(folder: Path, **settings: str) -> Flask:
    return make_app(folder, f"sqlite:///{folder}/packslip.db", **settings)


def test_requests_are_counted_by_route_and_never_by_what_people_choose(
    session: Session, client: FlaskClient
) -> None:
    for path in ("/simple/secret-name/", "/simple/other/", "/nowhere/at-all", "/account/reset/abc"):
        client.get(path)
    client.open("/healthz", method="BREW")
    text = client.get("/metrics").text
    found = samples(text)
    assert found["packslip_requests_total", "GET", "/simple/<name>/", "404"] == 2
    assert found["packslip_request_seconds_count", "/simple/<name>/"] == 2
    assert found["packslip_requests_total", "GET", "none", "404"] == 1
    assert found["packslip_requests_total", "other", "none", "405"] == 1
    assert not any(chosen in text for chosen in ("secret-name", "at-all", "abc", "BREW"))


def test_what_waits_and_what_is_held_is_told(session: Session, client: FlaskClient) -> None:
    with write_transaction(session):
        session.add(Mail(kind="reset", recipient="ada@example.com", due_at=datetime.now(UTC)))
    found = measured(client)
    assert found["packslip_waiting", "mails"] == 1
    assert found["packslip_packages",] == 0
    assert found["packslip_database_up",] == found["packslip_storage_up",] == 1
    assert found["packslip_requests_under_way",] == 1
    assert measured(client)["packslip_requests_under_way",] == 1


def test_the_metrics_are_there_when_the_database_is_not(tmp_path: Path) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path}/missing/packslip.db")
    found = measured(app.test_client())
    assert found["packslip_database_up",] == 0
    assert ("packslip_packages",) not in found
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_only_programs_on_this_machine_read_them_by_default(tmp_path: Path, header: str) -> None:
    client = application(tmp_path).test_client()
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 403
    # A proxy on this machine speaks for others.
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_whoever_has_the_token_reads_them_from_anywhere(tmp_path: Path) -> None:
    client = application(
        tmp_path, PACKSLIP_METRICS="nobody", PACKSLIP_METRICS_TOKEN=TOKEN
    ).test_client()
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    right = client.get(
        "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_base=elsewhere
    )
    assert right.status_code == 200
    for header in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, "Bearer ", "Bearer \xfc"):
        wrong = client.get("/metrics", headers={"Authorization": header})
        assert wrong.status_code == 401
        assert TOKEN not in wrong.text


def test_everybody_reads_them_where_that_is_set(tmp_path: Path) -> None:
    client = application(tmp_path, PACKSLIP_METRICS="everybody").test_client()
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


def test_openmetrics_is_spoken_to_whoever_asks_for_it(tmp_path: Path) -> None:
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    response = application(tmp_path).test_client().get("/metrics", headers=accept)
    assert response.mimetype == "application/openmetrics-text"
    assert response.text.endswith("# EOF\n")
