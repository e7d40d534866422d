"""Every page of accounts can be used by everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from tests.helpers.accessible import accessibility_faults
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD


@pytest.mark.parametrize("path", ["/account/login", "/account/logout"])
def test_pages_for_everybody(page: Page, path: str) -> None:
    page.goto(path)
    assert accessibility_faults(page) == []


def test_a_form_with_faults(page: Page) -> None:
    log_in(page, "ada", "wrong password")
    assert accessibility_faults(page) == []


@pytest.mark.parametrize("path", ["/", "/account/logout"])
def test_pages_of_a_user(page: Page, path: str) -> None:
    log_in(page, "ada", PASSWORD)
    page.goto(path)
    assert accessibility_faults(page) == []
