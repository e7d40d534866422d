from __future__ import annotations

import pytest

from packslip.web.user_agents import describe_browser, first_product

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LINUX, "Firefox on Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.0 Safari/605.1",
            "Safari on macOS",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {WEBKIT} CriOS/142 Safari/604",
            "Chrome on iPhone",
        ),
    ],
)
def test_a_browser_is_told_in_words(text: str, words: str) -> None:
    assert describe_browser(text) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl/8.5.0", "curl/8.5.0"),
        ("Firefox on a Linux toaster", "Firefox on a Linux toaster"),
        ("Mozilla/5.0 (compatible; nobody knows)", "Mozilla/5.0 (compatible; nobody knows)"),
        ("x" * 400, "x" * 60 + "…"),
        ("a\x1b[31mb\u202ec", "a [31mb c"),
        ("", "Something that does not say what it is"),
    ],
)
def test_what_is_not_known_is_shown_as_it_is(text: str, shown: str) -> None:
    assert describe_browser(text) == shown


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("twine/6.2.0 (importlib-metadata: 8.0)", "twine/6.2.0"),
        ('pip/26.3 {"ci": true}', "pip/26.3"),
        ("uv", "uv"),
        ("(nothing)", "None"),
        ("", "None"),
    ],
)
def test_the_first_product(text: str, product: str) -> None:
    assert str(first_product(text)) == product
