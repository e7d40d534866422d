from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.packages import add_demo, add_file, add_package, add_release

from packslip.accounts.models import User
from packslip.packages.models import Maintainer

INFO_KEYS = {
    "author",
    "author_email",
    "bugtrack_url",
    "classifiers",
    "description",
    "description_content_type",
    "docs_url",
    "download_url",
    "downloads",
    "dynamic",
    "home_page",
    "keywords",
    "license",
    "license_expression",
    "license_files",
    "maintainer",
    "maintainer_email",
    "name",
    "package_url",
    "platform",
    "project_url",
    "project_urls",
    "provides_extra",
    "release_url",
    "requires_dist",
    "requires_python",
    "summary",
    "version",
    "yanked",
    "yanked_reason",
}


def get_json(client: FlaskClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.status
    assert response.content_type == "application/json"
    return response.get_json()


def test_a_package_is_described_by_its_latest_release(
    session: Session, client: FlaskClient
) -> None:
    package = add_package(session, "Demo.App", docs_url="https://docs.example.com")
    metadata = {
        "author": "Ann",
        "classifier": ["Programming Language :: Python :: 3"],
        "description": "Long",
        "keywords": ["one", "two"],
        "license_expression": "MIT",
        "license_file": ["LICENSE"],
        "project_url": ["Source, https://example.com/src", "Changes, https://example.com/c"],
        "provides_extra": ["fast"],
        "requires_dist": ["flask>=3"],
        "requires_python": ">=3.11",
        "summary": "Short",
    }
    release = add_release(session, package, core_metadata=metadata)
    add_file(session, release, "demo_app-1.0-py3-none-any.whl")

    document = get_json(client, "/pypi/demo-app/json")

    info = document["info"]
    assert set(info) == INFO_KEYS
    assert info["name"] == "Demo.App"
    assert info["version"] == "1.0"
    assert info["summary"] == "Short"
    assert info["description"] == "Long"
    assert info["author"] == "Ann"
    assert info["author_email"] is None
    assert info["classifiers"] == ["Programming Language :: Python :: 3"]
    assert info["keywords"] == "one,two"
    assert info["license_files"] == ["LICENSE"]
    assert info["provides_extra"] == ["fast"]
    assert info["requires_dist"] == ["flask>=3"]
    assert info["dynamic"] is None
    assert info["docs_url"] == "https://docs.example.com"
    assert info["downloads"] == {"last_day": -1, "last_month": -1, "last_week": -1}
    assert info["project_urls"] == {
        "Source": "https://example.com/src",
        "Changes": "https://example.com/c",
    }
    assert info["package_url"] == "http://packages.example.com/project/demo-app/"
    assert info["release_url"] == "http://packages.example.com/project/demo-app/1.0/"
    assert document["last_serial"] == 7
    assert document["vulnerabilities"] == []
    assert set(document) == {
        "_origin",
        "info",
        "last_serial",
        "ownership",
        "releases",
        "urls",
        "vulnerabilities",
    }


def test_a_file_has_an_absolute_address_and_all_keys(session: Session, client: FlaskClient) -> None:
    release = add_release(session, add_package(session), yanked=True, yanked_reason="broken")
    wheel = add_file(
        session,
        release,
        "demo-1.0+corp-py2.py3-none-any.whl",
        md5="a" * 32,
        blake2_256="b" * 64,
        requires_python=">=3",
    )

    (file,) = get_json(client, "/pypi/demo/1.0/json")["urls"]

    root = "http://packages.example.com/files"
    digest = str(wheel.sha256)
    folder = f"{digest[:2]}/{digest[2:4]}/{digest[4:]}"
    assert file == {
        "comment_text": "",
        "digests": {"blake2b_256": "b" * 64, "md5": "a" * 32, "sha256": digest},
        "downloads": -1,
        "filename": "demo-1.0+corp-py2.py3-none-any.whl",
        "has_sig": False,
        "md5_digest": "a" * 32,
        "packagetype": "bdist_wheel",
        "python_version": "py2.py3",
        "requires_python": ">=3",
        "size": 1234,
        "upload_time": "2024-05-06T07:08:09",
        "upload_time_iso_8601": "2024-05-06T07:08:09.123456Z",
        "url": f"{root}/{folder}/demo-1.0%2Bcorp-py2.py3-none-any.whl",
        "yanked": True,
        "yanked_reason": "broken",
    }


def test_only_the_package_form_lists_all_releases(session: Session, client: FlaskClient) -> None:
    package = add_package(session)
    for version in ("1.10", "1.9"):
        add_file(session, add_release(session, package, version), f"demo-{version}.tar.gz")
    add_release(session, package, "0.1")

    whole = get_json(client, "/pypi/demo/json")
    one = get_json(client, "/pypi/demo/1.9/json")

    assert list(whole["releases"]) == ["0.1", "1.9", "1.10"]
    assert whole["releases"]["0.1"] == []
    assert whole["releases"]["1.10"] == whole["urls"]
    assert "releases" not in one
    assert [file["filename"] for file in one["urls"]] == ["demo-1.9.tar.gz"]
    assert one["info"]["version"] == "1.9"


@pytest.mark.parametrize(
    ("releases", "latest"),
    [
        ({"1.10": False, "1.9": False}, "1.10"),
        ({"1.0": False, "2.0rc1": False, "3.0": True}, "1.0"),
        ({"1.0": True, "2.0rc1": False}, "2.0rc1"),
        ({"1.0rc1": False, "2.0rc1": False}, "2.0rc1"),
        ({"1.0": True, "2.0": True, "3.0rc1": True}, "2.0"),
    ],
)
def test_the_latest_is_the_highest_that_is_neither_yanked_nor_a_prerelease(
    session: Session, client: FlaskClient, releases: dict[str, bool], latest: str
) -> None:
    package = add_package(session)
    for version, yanked in releases.items():
        add_release(session, package, version, yanked=yanked)

    assert get_json(client, "/pypi/demo/json")["info"]["version"] == latest


def test_a_file_that_is_not_held_is_named_where_it_is_known_to_be(
    session: Session, client: FlaskClient
) -> None:
    release = add_release(session, add_package(session))
    elsewhere = "https://elsewhere.example.com/demo-1.0.tar.gz"
    add_file(session, release, "demo-1.0.tar.gz", storage_key=None, url=elsewhere)
    add_file(session, release, "demo-1.0.zip", storage_key=None)

    (file,) = get_json(client, "/pypi/demo/json")["urls"]

    assert file["url"] == elsewhere
    assert file["python_version"] == "source"


def test_a_quarantined_package_offers_no_files(session: Session, client: FlaskClient) -> None:
    add_demo(session, status="quarantined")

    document = get_json(client, "/pypi/demo/json")

    assert document["urls"] == []
    assert document["releases"] == {"1.0": []}


def test_owners_are_named(session: Session, client: FlaskClient) -> None:
    package = add_demo(session)
    user = User(username="ann", email="ann@example.com")
    session.add(user)
    session.flush()
    session.add(Maintainer(user_id=user.id, package_id=package.id, role="owner"))
    session.commit()

    assert get_json(client, "/pypi/demo/json")["ownership"] == {
        "organization": None,
        "roles": [{"role": "Owner", "user": "ann"}],
    }


@pytest.mark.parametrize("path", ["/pypi/demo/json", "/pypi/demo/1.0/json"])
def test_a_trailing_slash_does_not_matter(session: Session, client: FlaskClient, path: str) -> None:
    add_demo(session)

    assert get_json(client, f"{path}/") == get_json(client, path)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/pypi/Demo_App/json?a=1", "/pypi/demo-app/json?a=1"),
        ("/pypi/Demo_App/json/", "/pypi/demo-app/json"),
        ("/pypi/demo.app/1.0/json", "/pypi/demo-app/1.0/json"),
        ("/pypi/demo-app/v1.0.0/json", "/pypi/demo-app/1.0/json"),
    ],
)
def test_another_spelling_leads_to_the_normal_one(
    session: Session, client: FlaskClient, path: str, location: str
) -> None:
    add_demo(session, "demo-app")

    response = client.get(path, headers={"Host": "evil.example.com"})

    assert response.status_code == 301
    assert response.headers["Location"] == location
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/pypi/unknown/json",
        "/pypi/empty/json",
        "/pypi/-/json",
        "/pypi/unknown/1.0/json",
        "/pypi/demo/2.0/json",
        "/pypi/demo/nonsense/json",
    ],
)
def test_what_is_not_here_is_not_found(session: Session, client: FlaskClient, path: str) -> None:
    add_demo(session)
    add_package(session, "empty")

    response = client.get(path)

    assert response.status_code == 404
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ["/pypi/demo/json", "/pypi/demo/1.0/json"])
def test_scripts_may_read_it_and_ask_whether_it_changed(
    session: Session, client: FlaskClient, path: str
) -> None:
    add_demo(session)
    first = client.get(path)
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["X-PyPI-Last-Serial"] == "7"

    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert client.head(path).headers["ETag"] == first.headers["ETag"]
