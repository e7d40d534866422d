"""What somebody meets who goes astray can be used by everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, Route, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.app import make_app
from tests.helpers.application import wheel
from tests.helpers.pages import log_in
from tests.helpers.server import Server

#: Nobody listens there.
AWAY = "postgresql://packslip@127.0.0.1:1/packslip"


@pytest.fixture(scope="module")
def filled(site: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server with a package."""
    file = wheel(tmp_path_factory.mktemp("wheels"), "demo", "1.0")
    assert site.upload(site.create_token("ada"), file).status_code == 200
    return site


def test_a_form_with_faults(page: Page) -> None:
    log_in(page, "ada", "wrong password")
    assert accessibility_faults(page) == []


def without_a_database(folder: Path) -> FlaskClient:
    return make_app(folder, AWAY, PROPAGATE_EXCEPTIONS=False).test_client()


def test_who_mistyped_a_name_is_led_to_the_package(filled: Server, page: Page) -> None:
    answer = page.goto("/project/dem0/")
    assert answer is not None
    assert answer.status == 404
    expect(page.locator("main")).to_contain_text(answer.headers["x-request-id"])
    page.locator("main").get_by_role("link", name="demo", exact=True).click()
    page.wait_for_url("**/project/demo/")


def test_the_page_while_the_database_is_away(page: Page, tmp_path: Path) -> None:
    answer = without_a_database(tmp_path).get("/project/nothing/", headers={"Accept": "text/html"})

    def away(route: Route) -> None:
        # As the server of this site would answer, whose stylesheet the page then loads.
        route.fulfill(status=503, headers=dict(answer.headers), body=answer.text)

    page.route("**/project/nothing/", away)
    page.goto("/project/nothing/")
    expect(page.get_by_role("heading", level=1)).to_have_text("503 Service Unavailable")
    sheets = "[...document.styleSheets].every((sheet) => sheet.cssRules.length > 0)"
    assert page.evaluate(f"document.styleSheets.length > 0 && {sheets}")
    page.unroute("**/project/nothing/")
    # The database is back.
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("404 Not Found")
    page.get_by_role("link", name="Home", exact=True).click()
    page.wait_for_url("**/")
