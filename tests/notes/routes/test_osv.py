from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.notes_about import add_note
from tests.helpers.packages import add_releases

from packslip.accounts.models import User

DEMO = {"name": "Demo", "ecosystem": "PyPI"}


@pytest.fixture
def ada(session: Session) -> User:
    add_releases(session, "demo", {"1.0": [], "1.1": [], "1.2rc1": [], "2.0": []})
    return make_user(session, "ada")


def ask(client: FlaskClient, document: Any, address: str = "query", **headers: str) -> Any:
    response = client.post(f"/osv/v1/{address}", json=document, headers=headers)
    assert response.status_code == 200, response.status
    assert response.headers["Cache-Control"] == "no-store"
    return response.get_json()


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["id"] for one in answer.get("vulns", [])]


def test_a_note_that_acts_is_an_advisory(session: Session, client: FlaskClient, ada: User) -> None:
    note = add_note(
        session, ada, "demo", "Drops sessions", "yank",
        visibility="public", version_range=">=1.1,<2", fixed_in="2.0",
    )  # fmt: skip
    (vuln,) = ask(client, {"package": DEMO, "version": "1.1.0"})["vulns"]
    published, modified = vuln.pop("published"), vuln.pop("modified")
    assert published.endswith("Z")
    assert modified >= published
    assert vuln == {
        "schema_version": "1.7.4",
        "id": f"PACKSLIP-{note.id}",
        "summary": "Drops sessions",
        "details": "Its **text**.",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "demo", "purl": "pkg:pypi/demo"},
                "versions": ["1.1", "1.2rc1"],
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [{"introduced": "1.1"}, {"fixed": "2.0"}],
                    }
                ],
            }
        ],
        "references": [{"type": "ADVISORY", "url": f"http://packages.example.com/notes/{note.id}"}],
        "database_specific": {"act": "yank", "versions": ">=1.1,<2"},
    }
    by_id = client.get(f"/osv/v1/vulns/PACKSLIP-{note.id}")
    assert by_id.get_json() == {**vuln, "published": published, "modified": modified}
    assert by_id.cache_control.private
    assert ids(ask(client, {"package": {"purl": "pkg:pypi/demo@1.1"}})) == [vuln["id"]]
    assert ids(ask(client, {"package": DEMO})) == [vuln["id"]]
    # uv leaves `osv` out when the service's address has no slash at its end.
    batch = {"queries": [{"package": DEMO, "version": "1.1"}, {"package": DEMO, "version": "2"}]}
    answers = client.post("/v1/querybatch", json=batch).get_json()
    assert answers == ask(client, batch, "querybatch")
    assert answers == {"results": [{"vulns": [{"id": vuln["id"], "modified": modified}]}, {}]}
    assert client.get(f"/v1/vulns/{vuln['id']}").status_code == 200


def test_advisories_are_for_those_who_may_see_the_note(
    session: Session, client: FlaskClient, ada: User
) -> None:
    team = add_note(session, ada, "demo", "Slow", "warn")
    token = basic("__token__", make_token(session, make_user(session, "bob"), scope="read")[1])
    asked = {"package": DEMO, "version": "1.0"}
    assert ask(client, asked) == {}
    assert ids(ask(client, asked, Authorization=token)) == [f"PACKSLIP-{team.id}"]
    path = f"/osv/v1/vulns/PACKSLIP-{team.id}"
    assert client.get(path).status_code == 404
    assert client.get(path, headers={"Authorization": token}).status_code == 200


def test_what_does_not_act_is_none(session: Session, client: FlaskClient, ada: User) -> None:
    public = {"visibility": "public"}
    plain = add_note(session, ada, "demo", "A note", **public)
    archive = add_note(session, ada, "demo", "Over", "archive", **public)
    lifted = add_note(session, ada, "demo", "Was slow", "warn", lifted_at=ada.created_at, **public)
    gone = add_note(session, ada, "demo", "Gone", "warn", deleted_at=ada.created_at, **public)
    assert ask(client, {"package": DEMO, "version": "1.0"}) == {}
    for note in (plain, archive, gone):
        assert client.get(f"/osv/v1/vulns/PACKSLIP-{note.id}").status_code == 404
    withdrawn = client.get(f"/osv/v1/vulns/PACKSLIP-{lifted.id}").get_json()
    assert withdrawn["withdrawn"].endswith("Z")
    for name in ("PACKSLIP-0", "PACKSLIP-x", "PACKSLIP-9" + "9" * 18, "CVE-2026-1", "%00"):
        assert client.get(f"/osv/v1/vulns/{name}").status_code == 404, name


def test_the_version_in_which_it_is_mended_is_not_affected(
    session: Session, client: FlaskClient, ada: User
) -> None:
    add_note(session, ada, "demo", "Slow", "warn", visibility="public", fixed_in="1.1")
    assert ask(client, {"package": DEMO, "version": "1.1"}) == {}
    assert len(ids(ask(client, {"package": DEMO, "version": "1.0"}))) == 1


@pytest.mark.parametrize(
    ("address", "body", "reason"),
    [
        ("query", b"{", "The body is no JSON."),
        ("query", b"[" * 100_000, "The body is no JSON."),
        ("query", b"[]", "The body is no JSON object."),
        ("querybatch", b"{}", "The body has no list of queries."),
        ("querybatch", b'{"queries": [1]}', "A query is no JSON object."),
        (
            "querybatch",
            b'{"queries": [' + b"{}," * 1000 + b"{}]}",
            "At most 1,000 queries are answered together.",
        ),
    ],
)
def test_what_is_no_query_is_refused(
    address: str, body: bytes, reason: str, session: Session, client: FlaskClient
) -> None:
    response = client.post(f"/osv/v1/{address}", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.text.strip() == reason


def test_other_queries_find_nothing(session: Session, client: FlaskClient, ada: User) -> None:
    add_note(session, ada, "demo", "Slow", "warn", visibility="public", version_range="===1.0")
    for asked in (
        {"commit": "abc"},
        {"package": {"name": "demo", "ecosystem": "npm"}, "version": "1.0"},
        {"package": {"name": "../demo", "ecosystem": "PyPI"}, "version": "1.0"},
        {"package": {"name": 3, "ecosystem": "PyPI"}},
        {"package": DEMO, "version": 3},
        {"package": DEMO, "version": "1.0.0"},
        {"package": DEMO, "version": "9" * 100_000},
    ):
        assert ask(client, asked) == {}, asked
    assert client.post("/osv/v1/query", data=b" " * (2**21 + 1)).status_code == 413
