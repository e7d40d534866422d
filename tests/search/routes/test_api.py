from __future__ import annotations

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.search import add_found

from packslip.db import db


def ask(client: FlaskClient, query: str, **headers: str) -> Any:
    response = client.get(f"/api/v1/search{query}", headers=headers)
    assert response.status_code == 200, response.status
    assert response.content_type == "application/json"
    return response.get_json()


def test_packages_are_found_and_described(session: Session, client: FlaskClient) -> None:
    add_found(
        session,
        "Demo.App",
        "A demo.",
        requires_python=">=3.14",
        license_expression="MIT",
        classifier=["Programming Language :: Rust"],
    )
    add_found(session, "other")
    found = ask(client, "?q=demo")
    released_at = found["results"][0].pop("released_at")
    assert released_at.endswith("Z")
    assert found == {
        "total": 1,
        "total_is_exact": True,
        "page": 1,
        "pages": 1,
        "per_page": 20,
        "did_you_mean": None,
        "results": [
            {
                "name": "Demo.App",
                "version": "1.0",
                "requires_python": ">=3.14",
                "summary": "A demo.",
                "license": "MIT",
                "origin": "hosted",
                "status": "active",
                "yanked": False,
                "downloads": {"last_30_days": 0, "by_day": [0] * 30},
                "url": "http://packages.example.com/project/demo-app/",
            }
        ],
        "notes": {"total": 0, "results": []},
        "facets": {
            "license": [{"value": "MIT", "packages": 1}],
            "language": [{"value": "Rust", "packages": 1}],
            "python": [{"value": "3.15", "packages": 1}, {"value": "3.14", "packages": 1}],
            "origin": [{"value": "hosted", "packages": 1}],
            "yanked": [{"value": "no", "packages": 1}],
        },
    }


def test_filters_order_and_pages_stand_in_the_address(
    session: Session, client: FlaskClient
) -> None:
    for name in ("ccc", "aaa", "bbb"):
        add_found(session, name, license="MIT")
    add_found(session, "ddd")
    found = ask(client, "?license=MIT&sort=name&per_page=2&page=2")
    assert [one["name"] for one in found["results"]] == ["ccc"]
    assert (found["total"], found["page"], found["pages"]) == (3, 2, 2)
    assert ask(client, "?q=aab")["did_you_mean"] is None
    assert ask(client, "?q=%00%F0%9F%98%80'\"*&license=%00&owner=%FF")["total"] == 0


def test_a_search_that_cannot_be_understood_is_a_problem(client: FlaskClient) -> None:
    response = client.get("/api/v1/search?page=none")
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == 400
    assert problem["detail"] == "page must be a number from 1 to 1000000."


def test_an_answer_that_the_client_has_is_not_sent_again(
    session: Session, client: FlaskClient
) -> None:
    add_found(session, "demo")
    first = client.get("/api/v1/search")
    again = client.get("/api/v1/search", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_an_index_for_members_is_searched_by_members(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    for name in ("mine", "theirs"):
        add_found(session, name)
    _, secret = make_token(session, make_user(session), packages=["mine"])
    private = make_app(tmp_path, database_url, PACKSLIP_READ="members")
    with private.app_context():
        client = private.test_client()
        refused = client.get("/api/v1/search?q=theirs", headers={"Accept": "text/html"})
        assert refused.status_code == 401
        assert refused.content_type == "application/problem+json"
        found = ask(client, "", Authorization=basic("__token__", secret))
        assert [one["name"] for one in found["results"]] == ["mine"]
        assert ask(client, "?q=theirs", Authorization=basic("__token__", secret))["total"] == 0
        db.session.remove()
