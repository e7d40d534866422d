from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packslip.notes.markdown import MAX_STEPS, Mention
from packslip.notes.rendering import render_note

KIB = 1024

KNOWN = {
    Mention("package", "demo"): "/project/demo/",
    Mention("package", "demo", "1.2"): "/project/demo/1.2/",
    Mention("user", "ada"): "/user/ada/",
    Mention("tag", "deploy"): "/notes/?tag=deploy",
}


def find(mentions: frozenset[Mention]) -> Mapping[Mention, str]:
    return {mention: KNOWN[mention] for mention in mentions if mention in KNOWN}


def html_of(text: str) -> str:
    html = render_note(text, find).html
    assert html is not None
    return html


class _Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def hrefs(html: str) -> list[str | None]:
    return [values.get("href") for tag, values in _Elements(html).found if tag == "a"]


def test_mentions_of_what_there_is_become_links() -> None:
    html = html_of("[[Demo]], [[demo@1.2]], [[demo@9]], [[nope]], @Ada. @bob #deploy #other")
    assert hrefs(html) == ["/project/demo/", "/project/demo/1.2/", "/user/ada/", KNOWN_TAG]
    for text in (">Demo</a>", ">demo@1.2</a>", "[[demo@9]]", "[[nope]]", ">@Ada</a>.", "@bob"):
        assert text in html


KNOWN_TAG = "/notes/?tag=deploy"


@pytest.mark.parametrize(
    "text",
    [
        "`[[demo]] @ada #deploy`",
        "```\n[[demo]] @ada #deploy\n```",
        "    [[demo]] @ada #deploy",
        "ada@ada x#deploy a/@ada \\[[demo]] \\@ada \\#deploy",
    ],
)
def test_code_and_parts_of_words_mention_nothing(text: str) -> None:
    assert hrefs(html_of(text)) == []


def test_a_mention_within_a_link_is_only_text() -> None:
    assert hrefs(html_of("[see [[demo]] and @ada](https://example.com)")) == ["https://example.com"]


def test_html_is_text() -> None:
    html = html_of('<script>alert(1)</script> <b onclick="x">b</b>\n\n<div id="main">\n')
    assert {tag for tag, _ in _Elements(html).found} == {"p"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "/account/logout", "//example.com/", "data:text/html,x", "vbscript:x",
     "file:///etc/passwd", "?a=b", "JaVaScRiPt:x", "&#106;avascript:x", "/project/demo/../.."],
)  # fmt: skip
def test_links_lead_only_to_other_hosts_and_to_headings(target: str) -> None:
    assert hrefs(html_of(f"[a]({target}) [b][r] ![c]({target})\n\n[r]: {target}")) == []


def test_links_to_others_say_so_and_bare_addresses_are_links() -> None:
    html = html_of("https://example.com/x_(y). (see http://example.org/a) <ada@example.com> ://")
    assert hrefs(html) == [
        "https://example.com/x_(y)", "http://example.org/a", "mailto:ada@example.com",
    ]  # fmt: skip
    assert html.count('rel="nofollow noopener noreferrer"') == 3


def test_images_of_others_are_not_loaded() -> None:
    html = html_of(
        "![a chart](https://example.com/x.png) [![in](https://example.com/y)](mailto:a@b)"
    )
    assert "<img" not in html
    assert ">a chart</a>" in html
    assert hrefs(html) == ["https://example.com/x.png", "mailto:a@b"]


def test_headings_have_ids_that_no_page_has() -> None:
    html = html_of("# Main\n\n# Main\n\n# Main-1\n\n[to it](#main)\n\nÉtat\n====\n\n# *\n")
    elements = _Elements(html).found
    ids = [values["id"] for _, values in elements if "id" in values]
    assert ids == ["text-main", "text-main-1", "text-main-1-1", "text-état", "text-heading"]
    assert {tag for tag, values in elements if "id" in values} == {"h2"}
    assert "#text-main" in hrefs(html)


def test_tables_tasks_strikethrough_and_colours() -> None:
    html = html_of(
        "- [ ] open\n- [x] closed\n\n|a|b|\n|-|-:|\n|1|~~2~~|\n\n```python\nimport os\n```\n"
    )
    assert html.count('role="img"') == 2
    assert '<td align="right"><s>2</s></td>' in html
    assert '<span class="kn">import</span>' in html


@pytest.mark.parametrize(
    "text",
    ["[" * 256 * KIB, "[[" * 128 * KIB, "://" * 85 * KIB, "# a\n" * 64 * KIB, "x" * 1024 * KIB],
)  # fmt: skip
def test_a_hostile_text_is_given_up_or_rendered_in_few_steps(text: str) -> None:
    rendered = render_note(text, find)
    assert (rendered.html is None) == (rendered.fault is not None)
    assert rendered.text == text


def test_ordinary_notes_are_far_from_the_limit_of_steps() -> None:
    prose = "A sentence with *stress*, `code`, a [link](https://example.com) and [[demo]].\n\n"
    assert html_of(prose * (MAX_STEPS // 60)).count("<em>") == MAX_STEPS // 60


def test_code_that_would_keep_the_highlighter_busy_stays_plain() -> None:
    for code in ("(" * 9_000, " \n" * 5_000, "a " * 20_000):
        assert "<span" not in html_of(f"```makefile\n{code}\n```")


PIECES = st.sampled_from(
    ["[[", "]]", "demo", "@", "1.2", "#deploy", "\n", "\n\n", "> ", "- ", "[x] ", "|", "|-|-|\n",
     "```", "`", "*", "_", "~~", "[", "](", ")", "https://example.com", "javascript:", "<b>", "<",
     "&lt;", "\\", "# ", "!", "    ", "é", "\0", "\u2028", '"', "'", "mailto:"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join))
def test_nothing_active_comes_out_of_any_text(text: str) -> None:
    html = html_of(text)
    for tag, values in _Elements(html).found:
        assert tag not in {"script", "img", "style", "iframe", "form", "input", "svg"}
        assert not any(name.startswith("on") or name in {"style", "src"} for name in values)
        assert all(
            value.startswith("text-") for name, value in values.items() if name == "id" and value
        )
        href = values.get("href")
        if href is not None:
            assert href in KNOWN.values() or re.match(
                r"#text-|https?://|mailto:", href, re.IGNORECASE
            )
