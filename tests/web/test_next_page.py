"""Where `next` may lead."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from packslip.web.next_page import safe_next


@pytest.mark.parametrize("path", ["/", "/project/demo/", "/search/?q=a%20b&x=1", "/account/#top"])
def test_a_path_of_this_index_is_taken(app: Flask, path: str) -> None:
    with app.test_request_context("/", method="POST", data={"next": path}):
        assert safe_next("/default") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//evil.example.com",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "https://evil.example.com",
        "javascript:alert(1)",
        "evil.example.com",
        "/\t/evil.example.com",
        "/\n/evil.example.com",
        " //evil.example.com",
        "/a\\b",
    ],
)
def test_anything_else_is_not(app: Flask, path: str) -> None:
    with app.test_request_context("/", method="POST", data={"next": path}):
        assert safe_next("/default") == "/default"


pieces = st.sampled_from(
    [
        "/",
        "//",
        "\\",
        "/\\",
        "\t",
        "\n",
        "\r",
        "\0",
        " ",
        "\x0b",
        "\x7f",
        "\x85",
        "\u2028",
        "\u3000",
        "@",
        ":",
        "?",
        "#",
        ";",
        ".",
        "..",
        "%2f",
        "%5c",
        "%09",
        "%00",
        "http:",
        "https:",
        "javascript:",
        "data:",
        "evil.example.com",
        "user@",
        "[::1]",
        "\uff0f",
        "\u2215",
        "\ufeff",
        "\u200b",
        "a",
    ]
)


@given(st.lists(pieces | st.characters(exclude_categories=["Cs"]), max_size=8).map("".join))
def test_whatever_is_asked_for_a_browser_stays_on_this_index(wanted: str) -> None:
    with Flask("none").test_request_context("/", method="POST", data={"next": wanted}):
        found = safe_next("/default")
    # As browsers read it: without tabs and line breaks, and with backslashes for slashes.
    read = "".join(one for one in found.strip("\0 ") if one not in "\t\r\n").replace("\\", "/")
    assert read.startswith("/")
    assert (
        urlsplit(urljoin("https://packages.example.com/a", read)).netloc == "packages.example.com"
    )
    assert not {one for one in found if ord(one) < 33 or one == "\x7f"}
