"""A browser, and a live server that has an admin and a member."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.helpers.chromium import launched
from tests.helpers.inside import Inside, inside
from tests.helpers.server import PASSWORD, STARTED, Server, serving


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {server.url}", server.log) for server in STARTED]
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that a browser may use passkeys with: an address with a name, not a number."""
    with serving(tmp_path_factory.mktemp("server"), name="localhost") as server:
        server.create_user("grace", PASSWORD, "--admin")
        server.create_user("ada", PASSWORD)
        yield server


@pytest.fixture(scope="module")
def within(site: Server) -> Iterator[Inside]:
    with inside(site) as application:
        yield application


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether scripts run: a test that asks for it walks twice."""
    return bool(request.param)


@pytest.fixture
def context(
    chromium: Browser, site: Server, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A fresh browser profile; errors of pages fail the test."""
    scripts = "scripts" not in request.fixturenames or request.getfixturevalue("scripts")
    context = chromium.new_context(base_url=site.url, java_script_enabled=scripts)
    context.set_default_timeout(10_000)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: _note(message.type, message.text, faults))
    yield context
    context.close()
    assert not faults


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def _note(kind: str, text: str, faults: list[str]) -> None:
    # A status such as 403 is an answer that a test may want; a refused script or style is a fault.
    if kind == "error" and "Failed to load resource" not in text:
        faults.append(text)
