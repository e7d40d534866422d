from __future__ import annotations

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.notes_about import add_note
from tests.helpers.packages import add_demo, add_file, add_release
from tests.helpers.statements import statements

JSON = "application/vnd.pypi.simple.v1+json"
SIMPLE = f"/simple/demo/?format={JSON}"


def ids(notes: list[dict[str, Any]] | None) -> list[int]:
    return [note["id"] for note in notes or []]


def test_json_carries_the_notes_that_its_reader_may_see(
    session: Session, client: FlaskClient
) -> None:
    package = add_demo(session)
    add_file(session, add_release(session, package, "2.0"), "demo-2.0-py3-none-any.whl")
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    public = add_note(session, ada, "demo", "For all", visibility="public")
    team = add_note(session, ada, "demo", "Drops", "yank", version_range="<2")
    add_note(session, ada, "demo", "Mine", visibility="private")
    token = basic("__token__", make_token(session, bob, scope="read")[1])

    anonymous = client.get(SIMPLE)
    assert ids(anonymous.get_json()["_notes"]) == [public.id]
    assert all("_notes" not in file for file in anonymous.get_json()["files"])
    assert "Authorization" in anonymous.vary
    assert not anonymous.cache_control.private

    member = client.get(SIMPLE, headers={"Authorization": token})
    assert member.get_json()["_notes"] == [
        {
            "id": public.id,
            "title": "For all",
            "url": f"http://packages.example.com/notes/{public.id}",
            "act": "none",
            "versions": None,
        }
    ]
    first, second = member.get_json()["files"]
    assert [(note["id"], note["act"]) for note in first["_notes"]] == [(team.id, "yank")]
    assert "_notes" not in second
    assert member.cache_control.private
    assert "Authorization" in member.vary
    # What a cache holds for one reader is not taken for the other's.
    headers = {"If-None-Match": member.headers["ETag"]}
    assert client.get(SIMPLE, headers=headers).status_code == 200

    for path in ("/pypi/demo/json", "/pypi/demo/1.0/json"):
        assert ids(client.get(path).get_json()["_notes"]) == [public.id]
        told = client.get(path, headers={"Authorization": token})
        assert ids(told.get_json()["_notes"]) == [public.id, team.id]
        assert told.cache_control.private
    assert b"note" not in client.get("/simple/demo/", headers={"Accept": "text/html"}).data


def test_notes_cost_one_statement_and_none_where_there_are_none(
    session: Session, client: FlaskClient, tmp_path: Path
) -> None:
    add_demo(session)
    before = statements(client, SIMPLE)
    assert "_notes" not in client.get(SIMPLE).get_json()
    add_note(session, make_user(session), "demo", "For all", visibility="public")
    after = statements(client, SIMPLE)
    assert len(after) == len(before) + 1
