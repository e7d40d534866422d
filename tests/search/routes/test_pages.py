"""The page of the search."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.downloads import add_downloads
from tests.helpers.search import add_found


@pytest.fixture
def index(session: Session) -> None:
    add_found(session, "requests", "HTTP for people", license_expression="Apache-2.0")
    add_found(session, "requests-mock", "Answers for tests", license_expression="MIT")
    add_found(session, "flask", "<b>Web</b> pages", license_expression="MIT")


@pytest.mark.usefixtures("index")
def test_packages_are_found_and_escaped(client: FlaskClient) -> None:
    page = client.get("/search/?q=requests").text
    assert page.index('/project/requests/"') < page.index('/project/requests-mock/"')
    assert "2 packages" in page
    assert "/project/flask/" not in page
    assert "&lt;b&gt;Web&lt;/b&gt;" in client.get("/search/?q=flask").text


@pytest.mark.usefixtures("index")
def test_without_words_all_packages_are_listed(client: FlaskClient) -> None:
    page = client.get("/search/").text
    assert "3 packages" in page
    assert "All packages" in page


@pytest.mark.usefixtures("index")
def test_a_mistyped_name_leads_to_the_one_that_is_meant(client: FlaskClient) -> None:
    page = client.get("/search/?q=reqeusts").text
    assert 'Did you mean <a href="/search/?q=requests">requests</a>?' in page


@pytest.mark.usefixtures("index")
def test_filters_stand_in_the_address_and_stay_chosen(client: FlaskClient) -> None:
    page = client.get("/search/?q=requests&license=MIT&sort=name").text
    assert '<option value="MIT" selected>MIT (1)</option>' in page
    assert '<option value="name" selected>' in page
    assert "/project/requests-mock/" in page
    assert '/project/requests/"' not in page
    assert '<a href="/search/?q=requests">Without filters</a>' in page


def test_results_come_in_pages(session: Session, client: FlaskClient) -> None:
    for number in range(5):
        add_found(session, f"demo-{number}")
    first = client.get("/search/?q=demo&per_page=2").text
    assert "Page 1 of 3" in first
    assert 'href="/search/?q=demo&amp;page=2&amp;per_page=2" rel="next"' in first
    assert 'rel="prev"' in client.get("/search/?q=demo&per_page=2&page=3").text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("sort=size", "sort must be"),
        ("python=snake", "no Python version"),
        ("page=0", "page must be"),
        ("yanked=maybe", "yanked must be"),
    ],
)
def test_what_cannot_be_asked_is_said_on_the_page(
    client: FlaskClient, arguments: str, reason: str
) -> None:
    answer = client.get(f"/search/?q=demo&{arguments}")
    assert answer.status_code == 400
    assert reason in answer.text


@pytest.mark.parametrize("text", ["%00", '"', "NEAR(", "a" * 5000, "*", "-", "'; DROP TABLE", "😀"])
def test_anything_can_be_typed(client: FlaskClient, text: str) -> None:
    assert client.get("/search/", query_string={"q": text}).status_code == 200


@pytest.mark.usefixtures("index")
def test_recent_downloads_are_drawn(session: Session, client: FlaskClient) -> None:
    add_downloads(session, {"package_id": "flask", "created_at": datetime.now(UTC)})
    session.commit()
    page = client.get("/search/?q=flask").text
    assert page.count('<path d="M116 20v-20.0h3V20z"') == 1
