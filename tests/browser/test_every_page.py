"""Every page there is can be used by everybody, those that are still to come included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route
from tests.helpers.accessible import accessibility_faults
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.everything import ADMIN, MIRRORED, OLD, PACKAGE, add_everything, address_of
from tests.helpers.inside import Inside
from tests.helpers.routing import rules_for_people
from werkzeug.exceptions import abort

#: Pages that only come about on a way through several, and the module that looks at them there.
WALKED = {
    "second_factor.ask": "test_second_factors.py",
    "setup.set_up": "test_setup.py",
    "sso.index": "test_sso.py",
}

#: What always leads elsewhere.
NO_PAGES = {
    "profile.email",
    "profile.password",
    "second_factor.back",
    "sso.begin",
    "sso.callback",
    "sso.leave",
}

#: Pages that are for people who are not logged in; an admin is sent elsewhere.
FOR_NOBODY = ("/", "/account/login", "/account/register", "/notes/", f"/project/{PACKAGE}/")

#: What pages say when they are asked for more, when there is nothing and when something is wrong.
STATES = (
    "/nowhere",
    "/project/everythink/",
    "/search/?q=everything",
    "/search/?q=nothing-like-it&sort=size",
    "/stats/?days=90",
    "/notes/?show=deleted",
    "/notes/?q=nothing-like-it",
    "/admin/events?since=yesterday",
    "/admin/users/?q=nothing-like-it",
    "/project/everything-else/downloads/",
    f"/project/{MIRRORED}/",
    f"/project/{MIRRORED}/files/",
    f"/project/{PACKAGE}/settings/removal/release?version={OLD}",
    f"/project/{PACKAGE}/settings/removal/file?filename=everything-2.0.tar.gz",
)

HTML = {"Accept": "text/html,*/*;q=0.8"}

#: Nobody listens there.
AWAY = "postgresql://packslip@127.0.0.1:1/packslip"

ERRORS = (400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503)


@pytest.fixture(scope="module")
def looking(chromium: Browser, within: Inside) -> Iterator[Page]:
    """A page of a browser in which the admin is logged in, on a server that has everything."""
    context = chromium.new_context(base_url=within.server.url)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def addresses(within: Inside, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The endpoint of every address that can be visited."""
    parts = add_everything(within, tmp_path_factory.mktemp("everything"))
    rules = rules_for_people(within.app.url_map)
    bound = within.app.url_map.bind("localhost")
    asked = [f"/account/register?invitation={parts['invitation']}"]
    asked += [path for path in STATES if bound.test(path.partition("?")[0])]
    return {
        **{address_of(rule, parts): rule.endpoint for rule in rules},
        **{path: bound.match(path.partition("?")[0])[0] for path in asked},
    }


def faults_of(page: Page, path: str) -> list[str]:
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return accessibility_faults(page)


def test_every_page_can_be_used_by_everybody(
    looking: Page, within: Inside, addresses: dict[str, str]
) -> None:
    def is_page(path: str) -> bool:
        answer = looking.request.get(path, headers=HTML, max_redirects=0)
        if answer.status == 200:
            answered.add(addresses.get(path, ""))
        return "text/html" in answer.headers.get("content-type", "") and (
            answer.status == 200 or path in STATES
        )

    answered: set[str] = set()
    faults: list[str] = []
    refused = {*FOR_NOBODY}
    within.log_in(looking.context, ADMIN)
    for path, endpoint in (addresses | dict.fromkeys(STATES, "")).items():
        if endpoint in NO_PAGES:
            continue
        if is_page(path):
            faults += faults_of(looking, path)
        elif endpoint not in answered:
            refused.add(path)
    looking.context.clear_cookies()
    for path in sorted(refused):
        if is_page(path):
            faults += faults_of(looking, path)
    assert faults == [], "\n".join(faults)
    never = {*addresses.values()} - answered - {*WALKED} - NO_PAGES
    assert not never, (
        f"nobody sees {never} here: make what they show in tests/helpers/everything.py, or name"
        " the module that looks at them in WALKED"
    )
    seen = answered & {*WALKED}
    assert not seen, f"{seen} are seen here, and need no line in WALKED"


def test_every_error_can_be_used_by_everybody(
    looking: Page, tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path), PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/fail/<int:status>", "fail", abort)
    away = make_app(tmp_path / "away", AWAY, PROPAGATE_EXCEPTIONS=False)

    def fail(route: Route) -> None:
        # As the server of this site would answer, whose stylesheets the page then loads.
        status = int(route.request.url.rpartition("/")[2])
        client, path = app.test_client(), f"/fail/{status}"
        if status == 503:
            client, path = away.test_client(), "/project/nothing/"
        answer = client.get(path, headers=HTML)
        assert answer.status_code == status
        route.fulfill(status=status, headers=dict(answer.headers), body=answer.text)

    looking.route("**/fail/*", fail)
    faults: list[str] = []
    for status in ERRORS:
        looking.goto(f"/fail/{status}")
        assert looking.evaluate("document.styleSheets.length > 0")
        # They differ in their words alone, but for the one that needs no database.
        faults += accessibility_faults(looking, thoroughly=status in {400, 503})
    assert faults == [], "\n".join(faults)
