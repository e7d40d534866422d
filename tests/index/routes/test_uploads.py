from __future__ import annotations

import dataclasses
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.forms import (
    encode_form,
    file_part,
    post_form,
    post_upload,
    text_part,
    upload_body,
    upload_fields,
)

from packslip.accounts.models import Token
from packslip.accounts.passwords import hash_password
from packslip.db import Base
from packslip.errors import StorageFullError
from packslip.events.models import Event
from packslip.packages.models import Package
from packslip.web import context
from packslip.web.context import current_settings, current_storage


@pytest.fixture
def secret(session: Session) -> str:
    return make_token(session, make_user(session))[1]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path / "dist", "demo", "1.0", summary="A demo.")


def stored(app: Flask) -> list[str]:
    """The files in the storage, those on their way into it included."""
    folder = Path(app.instance_path) / "files"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def limit_uploads(app: Flask, size: int) -> None:
    with app.app_context():
        settings = dataclasses.replace(current_settings(), max_upload=size)
        context.attach(app, settings, current_storage())


def assert_nothing_is_there(app: Flask, session: Session) -> None:
    assert stored(app) == []
    for table in ("packages", "releases", "files", "registered_filenames", "maintainers"):
        rows = select(func.count()).select_from(Base.metadata.tables[table])
        assert session.scalar(rows) == 0, table
    session.rollback()


def test_a_wheel_is_published(
    client: FlaskClient, session: Session, secret: str, wheel: Path
) -> None:
    answer = post_upload(client, secret, wheel)
    assert (answer.status, answer.mimetype) == ("200 OK", "text/plain")
    assert answer.text == "OK: demo-1.0-py3-none-any.whl is published.\n"
    page = client.get("/simple/demo/?format=application/vnd.pypi.simple.v1%2Bjson").json
    assert page is not None
    (file,) = page["files"]
    address = urljoin("/simple/demo/", file["url"])
    assert client.get(address).data == wheel.read_bytes()
    assert b"Summary: A demo." in client.get(f"{address}.metadata").data
    token = session.scalars(select(Token)).one()
    assert token.last_used_at is not None
    event = session.scalars(select(Event).where(Event.action == "file.upload")).one()
    assert (event.token_id, event.ip_address) == (token.id, "127.0.0.1")


def test_a_source_distribution_is_published(
    client: FlaskClient, secret: str, tmp_path: Path
) -> None:
    path = build_sdist(tmp_path, "Demo.Package", "1.0")
    answer = post_upload(client, secret, path, name="Demo.Package")
    assert answer.text == "OK: demo_package-1.0.tar.gz is published.\n"


def test_the_same_file_again_is_a_success_that_changes_nothing(
    client: FlaskClient, session: Session, secret: str, wheel: Path
) -> None:
    post_upload(client, secret, wheel)
    serial = session.scalar(select(Package.serial))
    session.rollback()
    answer = post_upload(client, secret, wheel)
    assert answer.status == "200 OK"
    assert answer.text == "OK: demo-1.0-py3-none-any.whl was here already.\n"
    assert session.scalar(select(Package.serial)) == serial


def test_other_bytes_under_the_name_of_a_file_are_refused(
    app: Flask, client: FlaskClient, secret: str, wheel: Path
) -> None:
    post_upload(client, secret, wheel)
    before = stored(app)
    build_wheel(wheel.parent, "demo", "1.0", summary="Another demo.")
    answer = post_upload(client, secret, wheel)
    assert answer.status.startswith("400 File already exists: demo-1.0-py3-none-any.whl")
    assert answer.text.startswith("File already exists: demo-1.0-py3-none-any.whl")
    assert stored(app) == before


def test_without_credentials_they_are_asked_for(
    app: Flask, client: FlaskClient, session: Session, wheel: Path
) -> None:
    answer = post_upload(client, None, wheel)
    assert answer.status == "401 Uploading needs a username and password, or a token."
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert_nothing_is_there(app, session)


def test_wrong_credentials_are_refused_before_the_form_is_read(
    client: FlaskClient, secret: str
) -> None:
    wrong = secret[:-1] + ("y" if secret.endswith("x") else "x")
    answer = post_form(client, wrong, b"no form")
    assert answer.status_code == 403
    assert "wrong or no longer valid" in answer.status


def test_a_token_for_reading_is_refused(client: FlaskClient, session: Session, wheel: Path) -> None:
    _, secret = make_token(session, make_user(session), scope="read")
    assert post_upload(client, secret, wheel).status.startswith("403 This token is for another use")


def test_the_package_of_others_is_refused(
    app: Flask, client: FlaskClient, session: Session, secret: str, wheel: Path
) -> None:
    post_upload(client, secret, wheel)
    before = stored(app)
    _, other = make_token(session, make_user(session, "grace"))
    path = build_wheel(wheel.parent, "Demo", "2.0")
    answer = post_upload(client, other, path)
    assert answer.status.startswith("403 The user 'grace' may not upload to the package 'demo'")
    assert stored(app) == before


def test_all_refusals_come_as_problem_details_to_who_asks_for_json(
    client: FlaskClient, secret: str, wheel: Path
) -> None:
    # As uv does.
    accept = "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"
    body = upload_body(wheel, name="other")
    answer = post_form(client, secret, body, headers={"Accept": accept})
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["detail"] == "The names in form and metadata disagree: other and demo"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({":action": None}, "The field ':action' is missing; it must be file_upload."),
        ({":action": "delete"}, "The field ':action' must be file_upload, not 'delete'."),
        ({"protocol_version": "2"}, "The field 'protocol_version' must be 1."),
        ({"name": None}, "The field 'name' is missing."),
        ({"name": ""}, "The field 'name' is missing."),
        ({"name": "other"}, "The names in form and metadata disagree: other and demo"),
        ({"version": None}, "The field 'version' is missing."),
        ({"version": "1.1"}, "The versions in form and metadata disagree: 1.1 and 1.0"),
        ({"filetype": None}, "The field 'filetype' is missing."),
        ({"filetype": "bdist_egg"}, "The field 'filetype' must be bdist_wheel or sdist."),
        ({"filetype": "sdist"}, "The types in form and file name disagree: sdist and bdist_wheel"),
        (
            {"sha256_digest": None},
            "The field 'sha256_digest' is missing, and so are the other digests.",
        ),
        ({"sha256_digest": "0" * 63}, "The field 'sha256_digest' must have 64 hexadecimal digits."),
        ({"md5_digest": "g" * 32}, "The field 'md5_digest' must have 32 hexadecimal digits."),
        (
            {"sha512_digest": "0" * 128},
            "The field 'sha512_digest' cannot be checked; sha256_digest can.",
        ),
        ({"comment": "a" * 2001}, "The field 'comment' is longer than 2000 characters."),
    ],
)
def test_a_faulty_field_is_named(
    app: Flask,
    client: FlaskClient,
    session: Session,
    secret: str,
    wheel: Path,
    fields: dict[str, str | None],
    reason: str,
) -> None:
    answer = post_upload(client, secret, wheel, **fields)
    assert answer.status == f"400 {reason}"
    assert answer.text == f"{reason}\n"
    assert_nothing_is_there(app, session)
    assert post_upload(client, secret, wheel).status_code == 200


@pytest.mark.parametrize("field", ["sha256_digest", "blake2_256_digest", "md5_digest"])
def test_each_digest_is_compared(
    app: Flask, client: FlaskClient, session: Session, secret: str, wheel: Path, field: str
) -> None:
    digits = 32 if field == "md5_digest" else 64
    answer = post_upload(client, secret, wheel, **{field: "0" * digits})
    assert answer.status.startswith(f"400 The field '{field}' does not fit the file that arrived")
    assert_nothing_is_there(app, session)


def test_one_digest_is_enough_and_may_be_in_capitals(
    client: FlaskClient, secret: str, wheel: Path
) -> None:
    digest = upload_fields(wheel)["sha256_digest"].upper()
    answer = post_upload(client, secret, wheel, sha256_digest=digest, md5_digest="")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "field", ["name", "version", "filetype", "sha256_digest", ":action", "summary", "pyversion"]
)
def test_a_field_that_is_given_twice_is_refused(
    app: Flask, client: FlaskClient, session: Session, secret: str, wheel: Path, field: str
) -> None:
    fields = {"summary": "", "pyversion": "py3"} | upload_fields(wheel)
    parts = [text_part(key, value) for key, value in fields.items()]
    twice = text_part(field, fields[field])
    content = file_part(wheel.read_bytes(), filename=wheel.name)
    answer = post_form(client, secret, encode_form(*parts, twice, content))
    assert answer.status == f"400 The field '{field}' was given more than once."
    assert_nothing_is_there(app, session)


def test_a_form_without_a_file_is_refused(client: FlaskClient, secret: str, wheel: Path) -> None:
    parts = [text_part(key, value) for key, value in upload_fields(wheel).items()]
    answer = post_form(client, secret, encode_form(*parts))
    assert answer.status == "400 The field 'content' is missing."


def test_what_is_no_form_is_refused(client: FlaskClient, secret: str) -> None:
    answer = post_form(client, secret, b"{}", content_type="application/json")
    assert answer.status.startswith("400 An upload is a form of the type multipart/form-data")


@pytest.mark.parametrize("action", ["submit", "submit_pkg_info", "doc_upload", "verify"])
def test_retired_actions_are_gone(client: FlaskClient, secret: str, action: str) -> None:
    answer = post_form(client, secret, encode_form(text_part(":action", action)))
    assert answer.status_code == 410
    assert action in answer.text


def test_what_old_and_new_tools_send_besides_is_ignored(
    client: FlaskClient, secret: str, wheel: Path
) -> None:
    besides = [
        text_part("metadata_version", "2.1"),
        text_part("pyversion", ""),
        text_part("classifiers", "Programming Language :: Python"),
        text_part("classifiers", "Programming Language :: C"),
        text_part("import_names", "demo"),
        text_part("description", "ä" * 1_000_000),
        text_part("attestations", "[]"),
        file_part(b"\0signature", "gpg_signature", f"{wheel.name}.asc"),
    ]
    texts = [text_part(key, value) for key, value in upload_fields(wheel).items()]
    content = file_part(wheel.read_bytes(), filename=wheel.name)
    answer = post_form(client, secret, encode_form(*besides, content, *texts))
    assert answer.status_code == 200


def test_a_file_that_is_too_large_is_refused(
    app: Flask, client: FlaskClient, session: Session, secret: str, wheel: Path
) -> None:
    size = wheel.stat().st_size
    limit_uploads(app, size - 1)
    answer = post_upload(client, secret, wheel)
    assert answer.status == (
        f"413 The file is too large: this index takes files of at most {size - 1} bytes."
    )
    assert_nothing_is_there(app, session)
    limit_uploads(app, size)
    assert post_upload(client, secret, wheel).status_code == 200


def test_a_length_that_is_too_large_is_refused_before_anything_is_read(
    client: FlaskClient, secret: str
) -> None:
    environ = {"CONTENT_LENGTH": str(2**40), "wsgi.input_terminated": True}
    answer = post_form(client, secret, b"", environ_overrides=environ)
    assert answer.status_code == 413
    assert str(2**30) in answer.status


def test_a_body_that_is_cut_off_stores_nothing(
    app: Flask, client: FlaskClient, session: Session, secret: str, wheel: Path
) -> None:
    body = upload_body(wheel)
    for end in (10, len(body) // 2, len(body) - 10, len(body) - 1):
        environ = {"CONTENT_LENGTH": str(len(body))}
        answer = post_form(client, secret, body[:end], environ_overrides=environ)
        assert answer.status_code == 400
        assert "ends too early" in answer.status
        assert_nothing_is_there(app, session)
    assert post_form(client, secret, body).status_code == 200


def test_a_storage_without_room_is_told_and_nothing_is_left(
    app: Flask,
    client: FlaskClient,
    session: Session,
    secret: str,
    wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(*args: object) -> None:
        raise StorageFullError("There is no room left in the storage.")

    with monkeypatch.context() as patch:
        patch.setattr(current_storage(), "put_bytes", no_room)
        answer = post_upload(client, secret, wheel)
    assert answer.status == "507 There is no room left in the storage."
    assert_nothing_is_there(app, session)
    assert post_upload(client, secret, wheel).status_code == 200


def test_the_address_without_its_slash_leads_to_the_one_with_it(client: FlaskClient) -> None:
    answer = client.post("/legacy", data=b"anything")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/legacy/")


@pytest.mark.parametrize("path", ["/", "/simple/", "/simple/demo/", "/project/demo/"])
def test_an_upload_to_another_address_is_told_the_right_one(
    client: FlaskClient, secret: str, wheel: Path, path: str
) -> None:
    headers = {"Authorization": basic("__token__", secret)}
    form = {"content": (wheel.open("rb"), wheel.name)}
    answer = client.post(path, data=form, headers=headers)
    assert answer.status_code == 405
    assert "Upload to http://packages.example.com/legacy/" in answer.status
    assert "POST" not in answer.headers["Allow"]


def test_other_requests_to_unknown_addresses_are_as_ever(client: FlaskClient) -> None:
    refused = client.post("/simple/", data={"a": "b"})
    assert refused.status == "405 POST is not taken here, only GET and HEAD."
    assert client.get("/legacy/").status == "405 GET is not taken here, only POST."


def test_hatch_learns_fast_that_there_is_no_list_of_what_is_there(client: FlaskClient) -> None:
    assert client.get("/legacy/%2Bsimple/demo/").status_code == 404


def test_a_password_is_taken_too(client: FlaskClient, session: Session, wheel: Path) -> None:
    make_user(session, hashed_password=hash_password("correct horse battery"))
    headers = {"Authorization": basic("ada", "correct horse battery")}
    assert post_form(client, None, upload_body(wheel), headers=headers).status_code == 200
