"""The home page and the pages of packages."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.downloads import add_downloads
from tests.helpers.packages import add_demo, add_file, add_package, add_release

from packslip.accounts.models import User
from packslip.packages.models import Maintainer

HOSTILE = "<script>alert(1)</script>"


def test_an_empty_index_explains_itself(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "Nothing is here yet" in page
    assert "uv publish --publish-url http://packages.example.com/legacy/" in page
    assert "http://packages.example.com/legacy/" in page


def test_the_home_page_counts_and_lists_the_newest(client: FlaskClient, session: Session) -> None:
    for name in ("alpha", "beta"):
        release = add_release(session, add_package(session, name))
        add_file(session, release, f"{name}-1.0.tar.gz")
    add_downloads(session, {"package_id": "alpha"})
    session.commit()
    page = client.get("/").text
    assert "<strong>2</strong> packages" in page
    assert "<strong>1</strong> download<" in page
    assert page.index("/project/beta/1.0/") < page.index("/project/alpha/1.0/")


def test_a_package_shows_its_latest_release(client: FlaskClient, session: Session) -> None:
    package = add_package(session, "Demo", summary="A demonstration", author_name="Ada")
    add_release(session, package, "1.0")
    latest = add_release(
        session, package, "2.0", core_metadata={"summary": "Newer", "requires_python": ">=3.11"}
    )
    add_release(session, package, "3.0a1")
    file = add_file(session, latest, "demo-2.0-py3-none-any.whl")
    page = client.get("/project/demo/").text
    assert "<h1>Demo" in page
    assert "Newer" in page
    assert "&gt;=3.11" in page
    assert f"/files/{file.storage_key}" in page
    assert "/simple/ demo</code>" in page
    assert page.index("/project/demo/3.0a1/") < page.index("/project/demo/1.0/")


def test_the_page_of_a_release_pins_it(client: FlaskClient, session: Session) -> None:
    release = add_release(session, add_package(session, "demo"), "1.0")
    add_file(session, release, "demo-1.0.tar.gz")
    assert "/simple/ demo==1.0</code>" in client.get("/project/demo/1.0/").text
    assert client.get("/project/demo/1.0.0/").status_code == 200
    assert client.get("/project/demo/2.0/").status_code == 404


def test_a_yank_and_a_status_are_shown_with_their_reasons(
    client: FlaskClient, session: Session
) -> None:
    package = add_package(session, status="deprecated", status_reason="use other")
    add_release(session, package, yanked=True, yanked_reason="drops sessions")
    page = client.get("/project/demo/").text
    assert "deprecated: use other" in page
    assert "yanked: drops sessions" in page


def test_a_file_that_is_not_held_has_no_link(client: FlaskClient, session: Session) -> None:
    release = add_release(session, add_package(session))
    add_file(session, release, "demo-1.0.tar.gz", storage_key=None, sha256=None)
    page = client.get("/project/demo/").text
    assert "demo-1.0.tar.gz (not held here)" in page
    assert 'href="/files/' not in page
    assert "pip install" not in page


def test_other_spellings_lead_to_the_normalised_name(client: FlaskClient, session: Session) -> None:
    add_release(session, add_package(session, "demo-package"))
    response = client.get("/project/Demo_Package/1.0/")
    assert response.status_code == 301
    assert response.location == "/project/demo-package/1.0/"


def test_unknown_and_impossible_names_are_not_found(client: FlaskClient) -> None:
    for path in ("/project/nothing/", "/project/-bad-/", "/project/%00/", "/project/a%2Fb/"):
        assert client.get(path).status_code == 404, path


def test_texts_from_a_package_are_never_markup(client: FlaskClient, session: Session) -> None:
    user = User(username="ada", name=HOSTILE)
    package = add_package(
        session,
        summary=HOSTILE,
        description=HOSTILE,
        author_name=HOSTILE,
        home_page="javascript:alert(1)",
        status_reason=HOSTILE,
        status="archived",
    )
    package.maintainers.append(Maintainer(user=user))
    add_release(session, package, yanked=True, yanked_reason=HOSTILE)
    for path in ("/", "/project/demo/"):
        page = client.get(path).text
        assert HOSTILE not in page
        assert 'href="javascript:' not in page


README = (
    "# Demo\n\n**Bold** ![chart](https://images.example.com/x.png)\n\n<script>alert(1)</script>"
)


def test_a_description_is_rendered_without_images_of_others(
    session: Session, client: FlaskClient
) -> None:
    demo = add_demo(session)
    told = {"description": README, "description_content_type": "text/markdown"}
    demo.releases[0].core_metadata = {**demo.releases[0].core_metadata, **told}
    session.commit()
    page = client.get("/project/demo/")
    assert "<strong>Bold</strong>" in page.text
    assert "<script>alert" not in page.text
    assert '<img src="https' not in page.text
    assert "images.example.com are not loaded" in page.text
    assert "https:" not in page.headers["Content-Security-Policy"]
    asked = client.get("/project/demo/?images=1")
    assert '<img src="https://images.example.com/x.png"' in asked.text
    assert "img-src 'self' data: https: http:;" in asked.headers["Content-Security-Policy"]
