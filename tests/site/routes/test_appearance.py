"""Colours and keys, as a browser keeps them."""

from __future__ import annotations

from flask import Flask
from tests.helpers.browsing import Browser


def test_a_theme_is_kept_and_sent_with_the_page(app: Flask) -> None:
    browser = Browser(app)
    assert "data-theme" not in browser.get("/").text
    assert browser.submit("/appearance", theme="dark", shortcuts="off").status_code == 303
    page = browser.get("/").text
    assert '<html lang="en" data-theme="dark" data-shortcuts="off">' in page
    browser.submit("/appearance", theme="auto", shortcuts="on")
    assert '<html lang="en">' in browser.get("/").text


def test_what_is_no_choice_is_refused(app: Flask) -> None:
    browser = Browser(app)
    answer = browser.submit("/appearance", theme='"><script>', shortcuts="on")
    assert answer.status_code == 400
    assert "<script>" not in answer.text


def test_a_made_up_cookie_never_reaches_the_page(app: Flask) -> None:
    browser = Browser(app)
    browser.client.set_cookie("packslip_theme", '"><script>')
    assert "<script>" not in browser.get("/").text
