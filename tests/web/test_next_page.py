"""Where `next` may lead."""

from __future__ import annotations

import pytest
from flask import Flask

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
