from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypi_simple import ProjectPage
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.packages import add_demo, add_event, add_file, add_package, add_release
from werkzeug.test import TestResponse

from packslip.setting_choices import Read
from packslip.web import context

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
UV = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
POETRY = f"{JSON}, */*;q=0.1"


def get(client: FlaskClient, path: str, accept: str | None = JSON, **headers: str) -> TestResponse:
    all_headers = headers | ({"Accept": accept} if accept is not None else {})
    return client.get(path, headers=all_headers)


def get_json(client: FlaskClient, path: str) -> Any:
    response = get(client, path)
    assert response.status_code == 200
    return response.get_json(force=True)


def test_a_package_page_lists_its_files(session: Session, client: FlaskClient) -> None:
    package = add_package(session)
    release = add_release(session, package)
    wheel = add_file(
        session,
        release,
        "demo-1.0-py3-none-any.whl",
        requires_python=">=3.8",
        metadata_sha256="c" * 64,
        metadata_is_static=True,
    )

    page = get_json(client, "/simple/demo/")

    digest = str(wheel.sha256)
    path = f"{digest[:2]}/{digest[2:4]}/{digest[4:]}"
    assert page == {
        "meta": {"api-version": "1.4", "_last-serial": 7},
        "name": "demo",
        "project-status": {"status": "active"},
        "versions": ["1.0"],
        "files": [
            {
                "filename": "demo-1.0-py3-none-any.whl",
                "url": f"../../files/{path}/demo-1.0-py3-none-any.whl",
                "hashes": {"sha256": digest},
                "size": 1234,
                "upload-time": "2024-05-06T07:08:09.123456Z",
                "requires-python": ">=3.8",
                "yanked": False,
                "core-metadata": {"sha256": "c" * 64},
                "dist-info-metadata": {"sha256": "c" * 64},
            }
        ],
    }


def test_the_address_of_a_file_is_encoded_and_leads_to_its_name(
    session: Session, client: FlaskClient
) -> None:
    filename = "demo-1!1.0+corp.1-py3-none-any.whl"
    add_file(session, add_release(session, add_package(session), "1.0"), filename)

    (file,) = get_json(client, "/simple/demo/")["files"]
    (link,) = ProjectPage.from_html(
        "demo", get(client, "/simple/demo/", "text/html").data, "http://example.com/simple/demo/"
    ).packages

    address = urljoin("http://example.com/simple/demo/", file["url"])
    assert address.startswith("http://example.com/files/")
    assert address.endswith("/demo-1%211.0%2Bcorp.1-py3-none-any.whl")
    assert link.url == address
    assert link.filename == filename


def test_only_held_files_are_listed_but_all_versions(session: Session, client: FlaskClient) -> None:
    package = add_package(session)
    for version in ("1.10", "1.9", "1.10rc1", "0.1"):
        release = add_release(session, package, version)
        held = {} if version != "0.1" else {"storage_key": None}
        add_file(session, release, f"demo-{version}.tar.gz", **held)
    add_release(session, package, "2.0")

    page = get_json(client, "/simple/demo/")

    assert page["versions"] == ["0.1", "1.9", "1.10rc1", "1.10", "2.0"]
    assert [file["filename"] for file in page["files"]] == [
        "demo-1.9.tar.gz",
        "demo-1.10rc1.tar.gz",
        "demo-1.10.tar.gz",
    ]


def test_metadata_that_may_change_in_a_build_is_not_announced(
    session: Session, client: FlaskClient
) -> None:
    release = add_release(session, add_package(session))
    add_file(session, release, "demo-1.0.tar.gz", metadata_sha256="c" * 64)

    (file,) = get_json(client, "/simple/demo/")["files"]

    assert "core-metadata" not in file
    assert b"core-metadata" not in get(client, "/simple/demo/", "text/html").data


@pytest.mark.parametrize(("reason", "expected"), [(None, True), ("", True), ("broken", "broken")])
def test_a_yanked_release_marks_its_files(
    session: Session, client: FlaskClient, reason: str | None, expected: bool | str
) -> None:
    package = add_package(session)
    release = add_release(session, package, yanked=True, yanked_reason=reason)
    add_file(session, release, "demo-1.0.tar.gz")
    add_file(session, add_release(session, package, "2.0"), "demo-2.0.tar.gz")

    files = get_json(client, "/simple/demo/")["files"]

    assert [file["yanked"] for file in files] == [expected, False]
    html = get(client, "/simple/demo/", HTML).text
    assert html.count("data-yanked") == 1
    assert f'data-yanked="{reason or ""}"' in html


def test_a_quarantined_package_has_a_page_without_files(
    session: Session, client: FlaskClient
) -> None:
    add_demo(session, status="quarantined", status_reason="malware (note 3)")

    page = get_json(client, "/simple/demo/")

    assert page["files"] == []
    assert page["project-status"] == {"status": "quarantined", "reason": "malware (note 3)"}
    assert [project["name"] for project in get_json(client, "/simple/")["projects"]] == ["demo"]


@pytest.mark.parametrize(
    ("name", "accept"),
    [
        ("unknown", PIP),
        ("unknown", UV),
        ("unknown", POETRY),
        ("unknown", None),
        ("unknown", "text/html"),
        ("empty", PIP),
        ("-odd-", PIP),
        ("o d d", PIP),
        ("caf\u00e9", PIP),
    ],
)
def test_what_is_not_here_is_not_found(
    session: Session, client: FlaskClient, name: str, accept: str | None
) -> None:
    empty = add_package(session, "empty")
    add_file(session, add_release(session, empty), "empty-1.0.tar.gz", storage_key=None)

    response = get(client, f"/simple/{name}/", accept)

    assert response.status_code == 404
    assert response.mimetype == ("text/html" if accept == "text/html" else "text/plain")
    assert "no package" in response.status
    assert get_json(client, "/simple/")["projects"] == []


def test_the_root_lists_packages_by_name_with_their_serials(
    session: Session, client: FlaskClient
) -> None:
    add_demo(session, "zope.interface", serial=3)
    add_demo(session, "Flask", serial=12)
    add_event(session, add_package(session, "empty", serial=15))

    assert get_json(client, "/simple/") == {
        "meta": {"api-version": "1.4", "_last-serial": 15},
        "projects": [
            {"name": "flask", "_last-serial": 12},
            {"name": "zope-interface", "_last-serial": 3},
        ],
    }
    assert get(client, "/simple/").headers["X-PyPI-Last-Serial"] == "15"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PIP, JSON),
        (UV, JSON),
        (POETRY, JSON),
        (None, "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        (f"{HTML}, text/html;q=0.5", HTML),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html", HTML),
    ],
)
def test_the_form_is_negotiated(
    session: Session, client: FlaskClient, accept: str | None, content_type: str
) -> None:
    add_demo(session)

    for path in ("/simple/", "/simple/demo/"):
        response = get(client, path, accept)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == content_type
        assert response.vary.as_set() == {"accept", "accept-encoding"}
        assert response.headers["X-PyPI-Last-Serial"] == "7"
        assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("written", [JSON, JSON.replace("+", "%2B"), JSON.replace("/", "%2F")])
def test_the_format_can_be_asked_for_in_the_query(
    session: Session, client: FlaskClient, written: str
) -> None:
    add_demo(session)

    assert get(client, f"/simple/demo/?format={written}", "text/html").mimetype == JSON


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo/"])
def test_an_unacceptable_form_is_refused(session: Session, client: FlaskClient, path: str) -> None:
    add_demo(session)

    for response in (get(client, path, "image/png"), get(client, f"{path}?format=json", PIP)):
        assert response.status_code == 406
        assert JSON in response.text
        assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "/simple/"),
        ("/simple?format=text/html", "/simple/?format=text/html"),
        ("/simple/demo", "/simple/demo/"),
        ("/simple/Demo_App", "/simple/demo-app/"),
        ("/simple/Demo--App/?format=a%2Bb&x=1", "/simple/demo-app/?format=a%2Bb&x=1"),
    ],
)
def test_another_spelling_leads_to_the_normal_one(
    client: FlaskClient, path: str, location: str
) -> None:
    response = get(client, path, PIP, Host="evil.example.com")

    assert response.status_code == 301
    assert response.headers["Location"] == location
    assert "evil" not in response.text


def test_a_redirect_stays_below_the_prefix_of_a_proxy(client: FlaskClient) -> None:
    response = client.get("/simple/Demo", environ_overrides={"SCRIPT_NAME": "/index"})

    assert response.headers["Location"] == "/index/simple/demo/"


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo/"])
def test_head_equals_get_without_a_body(session: Session, client: FlaskClient, path: str) -> None:
    add_demo(session)

    by_get = get(client, path, PIP)
    by_head = client.head(path, headers={"Accept": PIP})

    assert by_head.status_code == 200
    assert by_head.data == b""
    for header in ("Content-Type", "Content-Length", "ETag", "Vary", "Cache-Control"):
        assert by_head.headers[header] == by_get.headers[header]


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo/"])
def test_each_form_has_its_own_etag(session: Session, client: FlaskClient, path: str) -> None:
    add_demo(session)

    etags = [get(client, path, accept).headers["ETag"] for accept in (JSON, HTML, "text/html")]

    assert len(set(etags)) == 3
    assert not any(etag.startswith("W/") for etag in etags)


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo/"])
def test_a_client_that_has_the_page_is_told_so_until_it_changes(
    session: Session, client: FlaskClient, path: str
) -> None:
    package = add_demo(session)
    first = get(client, path, PIP)
    etag = first.headers["ETag"]

    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = get(client, path, PIP, **{"If-None-Match": held})
        assert again.status_code == 304
        assert again.data == b""
        for header in ("ETag", "Vary", "Cache-Control"):
            assert again.headers[header] == first.headers[header]

    add_file(session, add_release(session, package, "2.0"), "demo-2.0.tar.gz")
    package.serial = 8
    add_event(session, package)
    changed = get(client, path, PIP, **{"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    assert changed.headers["X-PyPI-Last-Serial"] == "8"


def test_only_reading_is_possible(session: Session, client: FlaskClient) -> None:
    add_demo(session)

    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/simple/", "/simple/demo/"):
            response = client.open(path, method=method)
            assert response.status_code == 405
            assert "GET" in response.headers["Allow"]


def test_pages_for_members_are_private(app: Flask, session: Session, client: FlaskClient) -> None:
    settings = replace(context.current_settings(), read=Read.MEMBERS)
    context.attach(app, settings, context.current_storage())

    _, secret = make_token(session, make_user(session))
    response = client.get("/simple/", headers={"Authorization": f"Bearer {secret}"})

    assert response.status_code == 200
    assert response.cache_control.private
    assert response.vary.as_set() == {"accept", "accept-encoding", "authorization"}
