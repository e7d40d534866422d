from __future__ import annotations

from io import BytesIO
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.notes_about import add_note
from tests.helpers.packages import add_demo, add_package

from packslip.check.readers.locks import MAX_SIZE
from packslip.db import db

ADDRESS = "/api/v1/check"


def test_a_lock_file_is_checked(session: Session, client: FlaskClient) -> None:
    add_demo(session, latest_version="1.0")
    note = add_note(session, make_user(session), "demo", "Drops sessions", "hold")
    answer = client.post(f"{ADDRESS}?filename=ci/requirements.txt", data=b"\ndemo==1.0\nloose\n")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json() == {
        "files": [
            {
                "file": "ci/requirements.txt",
                "kind": "requirements.txt",
                "pins": [
                    {
                        "name": "demo",
                        "version": "1.0",
                        "line": 2,
                        "marker": None,
                        "findings": [
                            {
                                "kind": "hold",
                                "severity": "error",
                                "text": "Drops sessions",
                                "note": note.id,
                                "url": f"http://packages.example.com/notes/{note.id}",
                            }
                        ],
                    }
                ],
                "skipped": [{"line": 3, "what": "loose", "why": "it is not pinned to one version"}],
            }
        ],
        "errors": 1,
        "warnings": 0,
        "notes": 0,
    }
    sent = {"file": [(BytesIO(b"demo==1.0"), "a.txt"), (BytesIO(b"demo==1.0"), "b.txt")]}
    several = client.post(ADDRESS, data=sent, content_type="multipart/form-data").get_json()
    assert [file["file"] for file in several["files"]] == ["a.txt", "b.txt"]
    assert several["errors"] == 2


def test_faults_are_problem_details(session: Session, client: FlaskClient) -> None:
    broken = client.post(f"{ADDRESS}?filename=uv.lock", data=b"version = 1\nx =")
    assert broken.status_code == 400
    assert broken.content_type == "application/problem+json"
    assert broken.get_json()["detail"] == "uv.lock, line 2: it is no TOML: Invalid value."
    assert client.post(ADDRESS, data=b"demo==1.0").status_code == 400
    assert client.post(ADDRESS, data={"file": ""}).status_code == 400
    for size in (MAX_SIZE + 1, MAX_SIZE * 2):
        large = client.post(f"{ADDRESS}?filename=r.txt", data=b"#" * size)
        assert large.status_code == 413
        assert large.content_type == "application/problem+json"


def test_an_index_for_members_tells_members_alone(tmp_path: Path, database_url: str) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_READ="members")
    with app.app_context():
        session = db.session()
        add_demo(session, latest_version="1.0")
        add_package(session, "other")
        user = make_user(session)
        _, limited = make_token(session, user, scope="read", packages=["other"])
        _, secret = make_token(session, user, scope="read")
        client = app.test_client()

        def ask(**headers: str) -> list[str]:
            answer = client.post(f"{ADDRESS}?filename=r.txt", data=b"demo==1.0", headers=headers)
            assert answer.status_code == 200
            (pin,) = answer.get_json()["files"][0]["pins"]
            return [finding["kind"] for finding in pin["findings"]]

        assert client.post(f"{ADDRESS}?filename=r.txt", data=b"demo==1.0").status_code == 401
        assert client.post("/osv/v1/querybatch", json={"queries": []}).status_code == 401
        assert ask(Authorization=f"Bearer {secret}") == []
        assert ask(Authorization=basic("__token__", secret)) == []
        assert ask(Authorization=f"Bearer {limited}") == ["unknown-package"]
