"""The pages of a package."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.downloads import add_downloads
from tests.helpers.packages import add_file, add_package, add_release

from packslip.accounts.models import User
from packslip.packages.listings import PER_PAGE
from packslip.packages.models import Maintainer, Package, Requirement
from packslip.packages.releases import new_release

HOSTILE = "<script>alert(1)</script>"
MARKDOWN = "text/markdown"
IMAGES = "![one](https://a.example.com/x.png) ![two](http://b.example.org/y.png)"

PAGES = (
    "/project/demo/",
    "/project/demo/1.0/",
    "/project/demo/releases/",
    "/project/demo/files/",
    "/project/demo/1.0/files/",
    "/project/demo/dependencies/",
    "/project/demo/1.0/dependencies/",
    "/project/demo/downloads/",
)


def add_described(session: Session, package: Package, version: str = "1.0", **said: Any) -> None:
    release = add_release(session, package, version, core_metadata={"name": "demo"} | said)
    add_file(session, release, f"demo-{version}.tar.gz")


def copied(page: str, name: str) -> str:
    """The text that the button beside it copies."""
    (text,) = re.findall(rf'<pre id="{name}"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return unescape(text)


def test_a_package_shows_its_latest_release(client: FlaskClient, session: Session) -> None:
    package = add_package(session, "Demo", summary="A demonstration")
    add_release(session, package, "1.0")
    add_described(session, package, "2.0", summary="Newer", requires_python=">=3.11")
    add_release(session, package, "3.0a1")
    page = client.get("/project/demo/").text
    assert '<span class="package-name">Demo</span> <span class="version">2.0</span>' in page
    assert '<p class="summary">Newer</p>' in page
    assert "&gt;=3.11" in page
    assert ">latest<" in page
    assert 'aria-current="page">Description<' in page
    assert "Releases (3)" in page


def test_commands_name_this_index_alone(client: FlaskClient, session: Session) -> None:
    add_described(session, add_package(session))
    page = client.get("/project/demo/").text
    index = "http://packages.example.com/simple/"
    assert copied(page, "install-pip") == (
        f"pip install --index-url {index} --trusted-host packages.example.com demo"
    )
    assert copied(page, "install-uv") == f"uv pip install --default-index {index} demo"
    assert 'explicit = true\n\n[tool.uv.sources]\ndemo = { index = "packslip" }' in copied(
        page, "install-pyproject"
    )
    assert "extra-index" not in page
    assert "netrc" not in page


@pytest.mark.parametrize(
    ("path", "pinned"),
    [
        ("/project/demo/", False),
        ("/project/demo/2.0/", True),
        ("/project/demo/1.0/", True),
        ("/project/yanked/", True),
        ("/project/early/", True),
    ],
)
def test_a_version_is_pinned_where_it_must_be(
    client: FlaskClient, session: Session, path: str, pinned: bool
) -> None:
    demo = add_package(session)
    add_described(session, demo, "1.0")
    add_described(session, demo, "2.0")
    for name, version, yanked in (("yanked", "2.0", True), ("early", "2.0rc1", False)):
        release = add_release(session, add_package(session, name), version, yanked=yanked)
        add_file(session, release, f"{name}-{version}.tar.gz")
    page = client.get(path).text
    for name in ("install-pip", "install-uv", "install-pyproject"):
        assert ("==" in copied(page, name)) is pinned


def test_an_odd_version_cannot_end_the_command(client: FlaskClient, session: Session) -> None:
    package = add_package(session)
    odd = '1"; rm -rf ~'
    release = new_release(package.id, odd)
    session.add(release)
    session.commit()
    add_file(session, release, "demo-1.tar.gz")
    release.yanked = True
    session.commit()
    page = client.get("/project/demo/").text
    assert copied(page, "install-pip").endswith(f" 'demo=={odd}'")
    assert 'dependencies = ["demo==1\\"; rm -rf ~"]' in copied(page, "install-pyproject")


@pytest.mark.parametrize("status", ["active", "quarantined"])
def test_what_cannot_be_had_is_not_installed(
    client: FlaskClient, session: Session, status: str
) -> None:
    release = add_release(session, add_package(session, status=status))
    key = {"storage_key": None, "sha256": None} if status == "active" else {}
    add_file(session, release, "demo-1.0.tar.gz", **key)
    assert "pip install" not in client.get("/project/demo/").text
    page = client.get("/project/demo/files/").text
    assert "demo-1.0.tar.gz" in page
    assert ("not held here" if status == "active" else "not offered") in page
    assert 'href="/files/' not in page


def test_every_banner_stands_on_every_page(client: FlaskClient, session: Session) -> None:
    package = add_package(session, status="deprecated", status_reason="use other")
    add_release(session, package, "2.0")
    add_release(session, package, "1.0a1", yanked=True, yanked_reason="drops sessions")
    for tail in ("", "files/", "dependencies/"):
        page = client.get(f"/project/demo/1.0a1/{tail}").text
        assert "This package is deprecated: use other." in page
        assert "This release was yanked where it was imported from: drops sessions." in page
        assert "A newer release is there" in page
        assert "This is a pre-release" in page
        assert ">not latest<" in page
    assert "newer release" not in client.get("/project/demo/").text
    assert "deprecated: use other" in client.get("/project/demo/releases/").text
    assert "deprecated: use other" in client.get("/project/demo/downloads/").text


def test_a_newer_pre_release_names_the_latest(client: FlaskClient, session: Session) -> None:
    package = add_package(session)
    add_release(session, package, "1.0")
    add_release(session, package, "2.0a1")
    page = client.get("/project/demo/2.0a1/").text
    assert "newer release" not in page
    assert re.search(r'the latest release is <a href="/project/demo/">1.0</a>', page)


def test_images_are_loaded_only_when_asked_for(client: FlaskClient, session: Session) -> None:
    said = {"description": IMAGES, "description_content_type": MARKDOWN}
    add_described(session, add_package(session), **said)
    answer = client.get("/project/demo/")
    assert "2 images from a.example.com, b.example.org are not loaded" in answer.text
    assert "<img" not in answer.text.split('class="description"')[1]
    assert "img-src 'self' data:;" in answer.headers["Content-Security-Policy"]
    answer = client.get("/project/demo/?images=1")
    assert '<img src="https://a.example.com/x.png"' in answer.text.replace('alt="one" ', "")
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https: http:;" in policy
    assert "script-src 'self';" in policy
    assert "https:" not in client.get("/project/demo/").headers["Content-Security-Policy"]


def test_what_is_not_rendered_is_text_with_the_reason(
    client: FlaskClient, session: Session
) -> None:
    said = {"description": "T\n==\n\n.. include:: /etc/passwd\n<b>", "name": "demo"}
    add_described(session, add_package(session), **said)
    page = client.get("/project/demo/").text
    assert "could not be rendered: line 4" in page
    assert ".. include:: /etc/passwd\n&lt;b&gt;" in page


def test_links_show_their_hosts_and_only_our_own_are_verified(
    client: FlaskClient, session: Session
) -> None:
    urls = [
        "Source, https://github.com@evil.example.org/x",
        "Docs, https://\u0430pple.example.com/",
        "Own, http://packages.example.com/project/demo/releases/",
        "Other, http://packages.example.com/project/other/",
        "Bad, javascript:alert(1)",
        "Broken, https://[x/",
    ]
    add_described(session, add_package(session), project_url=urls, home_page="data:text/html,x")
    page = client.get("/project/demo/").text
    assert 'class="host">evil.example.org' in page
    assert 'class="host">xn--pple-43d.example.com' in page
    assert page.count(">verified<") == 1
    assert re.search(r"Own</a>.*?verified.*?Other</a>", page, re.DOTALL)
    for scheme in ("javascript:", "data:text", "https://[x"):
        assert f'href="{scheme}' not in page


def test_the_side_says_who_and_what(client: FlaskClient, session: Session) -> None:
    package = add_package(session)
    package.maintainers.append(Maintainer(user=User(username="ada")))
    add_described(
        session,
        package,
        author_email="Ada <ada@example.com>",
        license_expression="MIT",
        keywords=["one", "two"],
        classifier=["Programming Language :: Rust", "Topic :: Software Development"],
    )
    add_downloads(session, {"created_at": datetime.now(UTC)})
    session.commit()
    page = client.get("/project/demo/").text
    assert 'href="mailto:ada@example.com">Ada</a>' in page
    assert '<a href="/user/ada/">ada</a> (owner)' in page
    assert "<dd>MIT</dd>" in page
    assert '<a href="/browse/languages/Rust/">Rust</a></dd>' in page
    assert "one, two" in page
    assert "<strong>1</strong> in 30 days" in page
    assert '<svg class="sparkline"' in page


def test_a_release_without_metadata_shows_what_the_package_says(
    client: FlaskClient, session: Session
) -> None:
    package = add_package(
        session, author_name="Grace", home_page="https://x.example", description="*Hello*"
    )
    add_release(session, package)
    page = client.get("/project/demo/").text
    assert "Grace" in page
    assert 'href="https://x.example"' in page
    assert "<em>Hello</em>" in page


def test_releases_are_listed_with_what_they_are(client: FlaskClient, session: Session) -> None:
    package = add_package(session)
    release = add_release(session, package, "1.0", size=2048)
    add_file(session, release, "demo-1.0.tar.gz", requires_python=">=3.9")
    add_file(session, release, "demo-1.0-py3-none-any.whl", requires_python=">=3.9")
    add_release(session, package, "2.0", yanked=True, yanked_reason=HOSTILE)
    add_release(session, package, "3.0a1")
    add_downloads(session, *({"release_id": release.id, "created_at": datetime.now(UTC)},) * 3)
    session.commit()
    page = client.get("/project/demo/releases/").text
    rows = [re.sub(r"<[^>]*>|\s+", " ", row) for row in page.split("<tr>")[2:]]
    assert [row.split()[0] for row in rows] == ["3.0a1", "2.0", "1.0"]
    assert "pre-release" in rows[0]
    assert "yanked: &lt;script&gt;" in rows[1]
    assert re.search(r"1.0 .*latest .*2024-05-06 .*&gt;=3.9 .* 2 .* 2.0 KiB .* 3 ", rows[2])


def test_many_releases_come_in_pages(client: FlaskClient, session: Session) -> None:
    package = add_package(session)
    for number in range(PER_PAGE + 1):
        session.add(new_release(package.id, f"1.{number}"))
    session.commit()
    first = client.get("/project/demo/releases/").text
    assert f">1.{PER_PAGE}</a>" in first
    assert ">1.0</a>" not in first
    assert 'href="?page=2" rel="next"' in first
    last = client.get("/project/demo/releases/?page=999").text
    assert ">1.0</a>" in last
    assert "Page 2 of 2" in last
    assert client.get("/project/demo/releases/?page=x").status_code == 200


def test_files_are_grouped_and_told_in_words(client: FlaskClient, session: Session) -> None:
    ada = User(username="ada")
    session.add(ada)
    release = add_release(session, add_package(session))
    add_file(session, release, "demo-1.0.tar.gz", uploader=ada, requires_python=">=3.9")
    wheel = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    file = add_file(session, release, wheel, metadata_sha256="0" * 64)
    page = client.get("/project/demo/files/").text
    assert page.index(">Source ") < page.index("demo-1.0.tar.gz") < page.index(">Wheels ")
    assert "Linux x86-64 (glibc 2.17 or newer), CPython 3.11" in page
    assert "requires Python &gt;=3.9" in page
    assert 'by <a href="/user/ada/">ada</a>' in page
    assert f'href="/files/{file.storage_key}.metadata"' in page
    assert page.count(">metadata</a>") == 1
    assert copied(page, f"sha256-{file.id}") == file.sha256


def test_dependencies_are_links_where_they_are_here(client: FlaskClient, session: Session) -> None:
    for name in ("flask", "user"):
        add_package(session, name)
    requires = ["Flask>=3", "absent", 'extra-lib; extra == "dev"', "odd ~~ thing <b>"]
    package = add_package(session)
    add_described(session, package, requires_dist=requires, provides_extra=["dev"])
    session.add(Requirement(package_id="user", required_id="demo", text="demo>=1"))
    session.commit()
    page = client.get("/project/demo/dependencies/").text
    assert '<a href="/project/flask/">Flask</a>&gt;=3' in page
    assert "/project/absent/" not in page
    assert "With the extra <code>dev</code>" in page
    assert "<code>odd ~~ thing &lt;b&gt;</code>" in page
    assert re.search(r'Used here by <span class="state">1<', page)
    assert 'href="/project/user/">user</a>' in page


def test_dependants_have_pages(client: FlaskClient, session: Session) -> None:
    add_release(session, add_package(session))
    for number in range(51):
        add_package(session, f"user{number:02}")
        row = Requirement(package_id=f"user{number:02}", required_id="demo", text="demo")
        session.add(row)
    session.commit()
    page = client.get("/project/demo/dependencies/").text
    assert "/project/user49/" in page
    assert "/project/user50/" not in page
    assert 'href="?after=user49#used-by"' in page
    assert "/project/user50/" in client.get("/project/demo/dependencies/?after=user49").text
    assert client.get("/project/demo/dependencies/?after=%00").status_code == 200


def test_other_spellings_lead_to_the_normalised_name(client: FlaskClient, session: Session) -> None:
    add_release(session, add_package(session, "demo-package"))
    for tail in ("", "1.0/", "releases/", "files/", "1.0/files/", "dependencies/"):
        response = client.get(f"/project/Demo_Package/{tail}")
        assert response.status_code == 301
        assert response.location == f"/project/demo-package/{tail}"


def test_unknown_and_impossible_names_are_not_found(client: FlaskClient) -> None:
    for path in ("/project/nothing/", "/project/-bad-/", "/project/%00/", "/project/a%2Fb/"):
        assert client.get(path).status_code == 404, path
        assert client.get(f"{path}files/").status_code == 404, path


def test_a_name_that_nobody_has_leads_to_those_like_it(
    client: FlaskClient, session: Session
) -> None:
    for name in ("requests", "requests-mock", "flask"):
        add_package(session, name)
    headers = {"Accept": "text/html"}
    for path in ("/project/reqeusts/", "/project/reqeusts/releases/", "/project/Reqeusts_/files/"):
        answer = client.get(path, headers=headers, follow_redirects=True)
        assert answer.status_code == 404
        assert '<a href="/project/requests/">requests</a>' in answer.text, path
        assert "flask" not in answer.text
    answer = client.get("/project/requests/9.9/", headers=headers)
    assert '<a href="/project/requests/releases/">' in answer.text


def test_settings_are_offered_to_who_may_see_them(client: FlaskClient, session: Session) -> None:
    add_release(session, add_package(session))
    for path in PAGES:
        assert "/project/demo/settings/" not in client.get(path).text, path
