"""Logging in through a provider on another site, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.helpers.accessible import accessibility_faults
from tests.helpers.pages import expect_logged_in, log_in
from tests.helpers.provider import Provider, providing
from tests.helpers.server import PASSWORD, Server, serving


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        provider.person = {
            "sub": "1",
            "name": "Grace Hopper",
            "preferred_username": "grace",
            "groups": ["staff"],
        }
        yield provider


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Server]:
    settings = provider.settings(
        PACKSLIP_SSO_REGISTRATION="groups", PACKSLIP_SSO_ROLES="staff=curator"
    )
    with serving(tmp_path_factory.mktemp("server"), name="localhost", **settings) as server:
        server.create_user("ada", PASSWORD)
        yield server


def test_somebody_comes_in_through_the_provider_and_leaves_both(
    page: Page, provider: Provider, site: Server
) -> None:
    page.goto("/account/login?next=/account/sessions/")
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Log in with Acme ID").click()
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    expect(page.get_by_text("with single sign-on")).to_be_visible()
    page.get_by_role("link", name="Single sign-on").click()
    expect(page.get_by_text("curator of this index")).to_be_visible()
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log out there too").click()
    expect(page.get_by_role("heading", name="Log in", exact=True)).to_be_visible()
    assert provider.asked[-1] == "/leave"
    expect(page.get_by_role("link", name="Log out there too")).to_have_count(0)


def test_somebody_links_their_account(
    context: BrowserContext, page: Page, scripts: bool, provider: Provider
) -> None:
    provider.person["sub"] = f"linked, {scripts}"
    log_in(page, "ada", PASSWORD)
    expect_logged_in(page, "ada")
    page.goto("/account/single-sign-on/")
    page.get_by_role("button", name="Link with Acme ID").click()
    expect(page.get_by_text("Linked with Acme ID")).to_be_visible()
    context.clear_cookies()
    page.goto("/account/login")
    page.get_by_role("link", name="Log in with Acme ID").click()
    expect_logged_in(page, "ada")
    page.goto("/account/single-sign-on/")
    page.get_by_role("button", name="Unlink").click()
    expect(page.get_by_role("status")).to_contain_text("linked no more")
