"""Descriptions as HTML, whatever somebody writes into them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.packages.descriptions import MAX_RENDERED, render_description

MARKDOWN = "text/markdown"


def html(text: str, content_type: str | None = MARKDOWN, *, images: bool = False) -> str:
    found = render_description(text, content_type, images=images)
    assert found.html is not None, found
    return found.html


def test_markdown_has_tables_task_lists_and_colours() -> None:
    found = html("| a |\n|---|\n| 1 |\n\n- [x] done\n- [ ] open\n\n```python\nprint(1)\n```\n")
    assert "<td>1</td>" in found
    assert "☑ done" in found
    assert "☐ open" in found
    assert '<span class="nb">print</span>' in found
    assert "lang=" not in found


def test_restructured_text_is_what_has_no_type() -> None:
    assert "<strong>bold</strong>" in html("**bold** `link <https://a.example.com>`_", None)


@pytest.mark.parametrize(
    ("text", "content_type", "reason"),
    [
        ("Title\n==\n\n.. include:: /etc/passwd", "text/x-rst", "line 4:"),
        ("an *open end", "text/x-rst", "line 1:"),
        ("x" * (MAX_RENDERED + 1), MARKDOWN, "more than"),
        ("x", "text/markdown; variant=Nonsense", "refused"),
    ],
)
def test_what_cannot_be_rendered_comes_as_text_with_the_reason(
    text: str, content_type: str, reason: str
) -> None:
    found = render_description(text, content_type)
    assert found.html is None
    assert found.text == text
    assert reason in (found.fault or "")


def test_plain_text_is_text_without_a_fault() -> None:
    found = render_description("1 < 2 <b>", "text/plain; charset=UTF-8")
    assert (found.html, found.fault, found.text) == (None, None, "1 < 2 <b>")


def test_images_are_words_until_somebody_asks_for_them() -> None:
    text = "[![build](https://ci.example.com/x.svg)](https://ci.example.com) ![](http://a.example.net/i)"
    found = render_description(text, MARKDOWN)
    assert "<img" not in (found.html or "")
    assert "build" in (found.html or "")
    assert found.image_hosts == ("a.example.net", "ci.example.com")
    asked = render_description(text, MARKDOWN, images=True)
    assert 'src="https://ci.example.com/x.svg"' in (asked.html or "")
    assert asked.image_hosts == ()


@pytest.mark.parametrize(
    "link",
    ["docs/x.md", "/admin/", "//evil.example.com", "javascript:alert(1)", "data:text/html,x"],
)
def test_links_lead_to_other_hosts_or_within_the_description(link: str) -> None:
    assert "href" not in html(f"[text]({link})")
    assert "href" not in html(f'<a href="{link}">text</a>')


def test_links_within_the_description_find_their_heading() -> None:
    found = html("[down](#a-heading)\n\n# A heading")
    assert 'href="#user-content-a-heading"' in found
    assert 'id="user-content-a-heading"' in found


def test_nothing_of_the_page_can_be_imitated() -> None:
    found = html('<div class="flash error banner nb" id="main">Your session ended</div>')
    assert found.strip() == '<div class="nb" id="user-content-main">Your session ended</div>'


def test_no_field_can_be_typed_into() -> None:
    found = html('<form action="/x"><input type="password" name="p"><button>go</button></form>')
    assert not re.search(r"<(form|input|button)", found)


HOSTILE = st.sampled_from(
    [
        "<script>", "</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "](",
        "[", "javascript:alert(1)", "![", ")", "`", "\n", "\n\n", "<a href='", '"', "<!--", "-->",
        "\0",
        "<style>", "<iframe src=//e>", "&#x6a;avascript:", "data:text/html,",
        ".. raw:: html\n\n   ",
        "<base href=//e>", "<math><mtext><", "style=x", " onclick=x ", ">", "text",
    ]
)  # fmt: skip


@given(st.lists(HOSTILE, max_size=12).map("".join), st.sampled_from([MARKDOWN, "text/x-rst"]))
def test_nothing_active_is_left(text: str, content_type: str) -> None:
    found = render_description(text, content_type, images=True).html or ""
    tags = re.findall(r"<([a-z0-9]+)((?:[^>\"]|\"[^\"]*\")*)>", found)
    for tag, attributes in tags:
        assert tag not in {"script", "style", "iframe", "svg", "math", "base", "form", "input"}
        names = re.findall(r'([a-z-]+)="', attributes)
        assert not [name for name in names if name.startswith("on") or name == "style"]
    for value in re.findall(r'(?:href|src)="([^"]*)"', found):
        assert re.match(r"(https?:|mailto:|#user-content-)", value, re.IGNORECASE)


def test_images_that_are_left_out_are_counted() -> None:
    text = "![a](https://a.example/1) ![b](https://a.example/2) ![c](http://b.example/3)"
    found = render_description(text, MARKDOWN)
    assert (found.images, found.image_hosts) == (3, ("a.example", "b.example"))
    assert render_description(text, MARKDOWN, images=True).images == 0
