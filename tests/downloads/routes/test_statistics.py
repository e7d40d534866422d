"""The pages of statistics, and the same as data."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.clock import now
from tests.helpers.downloads import add_downloads
from tests.helpers.packages import add_demo
from tests.helpers.statements import statements

from packslip.db import write_transaction
from packslip.downloads.rollups import note_never_downloaded
from packslip.packages.models import Maintainer, Package


@pytest.fixture
def demo(session: Session) -> str:
    add_demo(session)
    days = (0, 0, 1, 29, 30, 364, 365)
    add_downloads(
        session, *({"created_at": now() - timedelta(days=n), "installer": "pip"} for n in days)
    )
    session.commit()
    return "demo"


@pytest.mark.parametrize(("days", "count"), [(30, 4), (90, 5), (365, 6), (7, 4), ("x", 4)])
def test_a_package_page_counts_the_chosen_days(
    demo: str, client: FlaskClient, days: object, count: int
) -> None:
    page = client.get(f"/project/{demo}/downloads/?days={days}").text
    assert f"{count} in the last" in page
    assert "7 in all" in page


def test_the_table_has_a_row_for_each_day_that_the_chart_draws(
    demo: str, client: FlaskClient
) -> None:
    page = client.get(f"/project/{demo}/downloads/").text
    today, yesterday = (f"{now() - timedelta(days=n):%Y-%m-%d}" for n in (0, 1))
    assert f"{today}</time></th><td>2</td>" in page
    assert f"{yesterday}</time></th><td>1</td>" in page
    assert page.count('<th scope="row"><time') == 30


def test_csv_has_a_line_for_each_day(demo: str, client: FlaskClient) -> None:
    answer = client.get(f"/project/{demo}/downloads.csv?days=90")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][:2] == ["day", "downloads"]
    assert len(rows) == 91
    assert sum(int(row[1]) for row in rows[1:]) == 5
    assert answer.headers["Content-Disposition"] == 'attachment; filename="demo-downloads.csv"'


def test_a_version_that_looks_like_a_formula_is_text_in_csv(
    session: Session, client: FlaskClient
) -> None:
    demo = add_demo(session)
    release = demo.releases[0]
    release.version = "=1+1"
    add_downloads(session, {"created_at": now(), "release_id": release.id})
    session.commit()
    assert "'=1+1" in client.get("/project/demo/downloads.csv").text


def test_json_has_days_and_what_is_known_of_clients(demo: str, client: FlaskClient) -> None:
    found = client.get(f"/project/{demo}/downloads.json").get_json()
    assert found["downloads"] == 4
    assert found["days"][-1] == {"day": f"{now():%Y-%m-%d}", "downloads": 2}
    assert found["by"]["installer"] == [{"value": "pip", "downloads": 4}]


def test_the_index_has_the_most_and_the_least_used_packages(
    demo: str, session: Session, client: FlaskClient
) -> None:
    session.add(Package(id="dusty", name="Dusty", created_at=now() - timedelta(days=400)))
    session.add(Package(id="fresh", name="Fresh"))
    session.commit()
    for _ in range(2):
        with write_transaction(session):
            note_never_downloaded(session, now().date())
    page = client.get("/stats/").text
    assert "4 downloads in the last 30 days" in page
    most, unused = page.split("Not downloaded for")
    assert ">demo<" in most
    assert "Dusty" in unused
    assert "Fresh" not in unused
    assert client.get("/stats.json").get_json()["downloads"] == 4
    assert client.get("/stats.csv").status_code == 200


def test_a_user_has_the_downloads_of_their_packages(
    demo: str, session: Session, client: FlaskClient
) -> None:
    ada = make_user(session, "maintainer")
    session.add(Maintainer(user=ada, package_id=demo))
    session.commit()
    assert "4 in the last 30 days" in client.get("/user/maintainer/downloads/").text
    assert client.get("/user/nobody/downloads/").status_code == 404


def test_an_unknown_package_has_no_statistics(client: FlaskClient) -> None:
    for path in ("/project/demo/downloads/", "/project/demo/downloads.csv"):
        assert client.get(path).status_code == 404


def test_another_spelling_leads_to_the_page(demo: str, client: FlaskClient) -> None:
    answer = client.get("/project/Demo/downloads/?days=90")
    assert (answer.status_code, answer.headers["Location"]) == (
        301,
        "/project/demo/downloads/?days=90",
    )


def test_the_number_of_statements_does_not_grow_with_the_data(
    app: Flask, demo: str, session: Session, client: FlaskClient
) -> None:
    paths = (f"/project/{demo}/downloads/", "/stats/")
    before = [len(statements(client, path)) for path in paths]
    many = ({"created_at": now() - timedelta(days=n), "installer": f"i{n}"} for n in range(25))
    add_downloads(session, *many)
    session.commit()
    assert [len(statements(client, path)) for path in paths] == before
