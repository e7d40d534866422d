"""Notes as HTML that can stand on a page of this index, whatever somebody wrote.

HTML in a note is text. What is rendered is cleaned once more: nothing is fetched from other hosts,
links lead to http, https and mailto addresses, to headings of the same text, and to what the text
mentions in this index, and no id or class of the page's own can be taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from packslip.notes.highlighting import Highlighter
from packslip.notes.markdown import (
    MARKDOWN,
    Mention,
    TooMuchError,
    read_markdown,
    text_of,
    words_of,
)

#: Given what a text mentions, finds the addresses of what there is.
Find = Callable[[frozenset[Mention]], Mapping[Mention, str]]

#: What begins the ids of a note's headings, unless another prefix is asked for.
PREFIX = "text-"

_TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title", "class", "aria-label"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "ol": {"start"},
    "pre": {"class"},
    "span": {"class", "role", "aria-label"},
    "td": {"align"},
    "th": {"align"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
_ABSOLUTE = re.compile(r"https?://|mailto:", re.IGNORECASE)
#: Our own, and Pygments' short names.
_CLASS = re.compile(
    r"highlight|scroll|plain|anchor|mention|missing|image-text|tick|[a-z]{1,2}[0-9a-z]?"
)
_NO_WORD = re.compile(r"[^\w-]+")
_ALIGN = {f"text-align:{side}": side for side in ("left", "right", "center")}


@dataclass(frozen=True)
class Rendered:
    """A text to show: as HTML, or as it is with the reason why it is not HTML."""

    text: str
    html: str | None = None
    fault: str | None = None


@dataclass
class _Page:
    """What is known while one text is rendered."""

    prefix: str
    links: Mapping[Mention, str]
    #: The ids of headings, and how often each was wanted.
    slugs: dict[str, int] = field(default_factory=dict)
    last_slug: str = ""
    highlighter: Highlighter = field(default_factory=Highlighter)
    #: Whether each open link has an address.
    links_open: list[bool] = field(default_factory=list)


def render_note(text: str, find: Find, *, prefix: str = PREFIX) -> Rendered:
    """Render the text. `prefix` begins its ids, and must differ between texts of one page.

    Nothing is raised: what cannot be rendered comes as text.
    """
    try:
        read = read_markdown(text)
    except TooMuchError:
        return Rendered(text, fault="it is too long or too tangled to be rendered")
    page = _Page(prefix, find(frozenset(read.mentions)) if read.mentions else {})
    html: str = _renderer.render(read.tokens, MARKDOWN.options, {"page": page})
    return Rendered(text, _clean(html, page))


def beginning_of(text: str, length: int = 240) -> str:
    """The first words of a text, without its marks."""
    return unmarked(text[: 3 * length])[:length]


def unmarked(text: str) -> str:
    """The words of a text, without its marks; as it stands where it cannot be read."""
    try:
        tokens = read_markdown(text).tokens
    except TooMuchError:
        return text
    return " ".join(
        text_of(token.children or ()) if token.type == "inline" else token.content
        for token in tokens
        if token.type in {"inline", "fence", "code_block"}
    )


def _clean(html: str, page: _Page) -> str:
    # Imported here: only pages of notes need it.
    import nh3  # noqa: PLC0415

    ours = set(page.links.values())

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "href":
            allowed = value in ours or value.startswith(f"#{page.prefix}")
            return value if allowed or _ABSOLUTE.match(value) else None
        if name == "class":
            return " ".join(part for part in value.split() if _CLASS.fullmatch(part)) or None
        return value

    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )


class _Renderer(RendererHTML):
    """How the tokens become HTML, where that differs from CommonMark's own."""

    # Each is called with the tokens, the place of its own, options, and the `_Page`.

    def heading_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        slug = _slug(text_of(tokens[at + 1].children or ()), env["page"])
        return f'<{_heading(tokens[at])} id="{escape(slug)}">'

    def heading_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        words = text_of(tokens[at - 1].children or ())
        slug = escape(env["page"].last_slug)
        label = escape(f"Link to {words.strip() or 'this heading'}")
        anchor = f'<a class="anchor" href="#{slug}" aria-label="{label}">#</a>'
        return f" {anchor}</{_heading(tokens[at])}>\n"

    def link_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        page: _Page = env["page"]
        href = _address(str(tokens[at].attrGet("href") or ""), page)
        page.links_open.append(href is not None)
        if href is None:
            return '<span class="missing">'
        title = tokens[at].attrGet("title")
        titled = f' title="{escape(str(title))}"' if title else ""
        return f'<a href="{escape(href)}"{titled}>'

    def link_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</a>" if env["page"].links_open.pop() else "</span>"

    def mention(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        token = tokens[at]
        mention: Mention = token.meta["mention"]
        href = env["page"].links.get(mention)
        if href is None:
            return escape(token.content)
        return f'<a class="mention" href="{escape(href)}">{escape(words_of(token))}</a>'

    def tick(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        done = tokens[at].meta["done"]
        sign, words = ("☑", "done") if done else ("☐", "to do")
        return f'<span class="tick" role="img" aria-label="{words}">{sign}</span>'

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        page: _Page = env["page"]
        alt = escape(text_of(tokens[at].children or ()).strip() or "image")
        href = _address(str(tokens[at].attrGet("src") or ""), page)
        if href is None or page.links_open or not _ABSOLUTE.match(href):
            return f'<span class="image-text">{alt}</span>'
        return f'<a class="image-text" href="{escape(href)}">{alt}</a>'

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return _code(tokens[at], env)

    def code_block(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return _code(tokens[at], env)

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        # Wide tables are scrolled, by keyboard too.
        box = 'class="scroll plain" tabindex="0" role="region" aria-label="Table"'
        return f"<div {box}>\n<table>\n"

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return f"<th{_align(tokens[at])}>"

    def td_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return f"<td{_align(tokens[at])}>"


def _code(token: Token, env: Any) -> str:
    highlighter: Highlighter = env["page"].highlighter
    return highlighter.block(token.content, token.info)


def _heading(token: Token) -> str:
    # The page's own heading is the note's title.
    return f"h{min(int(token.tag[1:]) + 1, 6)}"


def _align(token: Token) -> str:
    # Styles in the text are refused by the page's policy.
    side = _ALIGN.get(str(token.attrGet("style") or ""))
    return f' align="{side}"' if side else ""


def _slug(words: str, page: _Page) -> str:
    plain = _NO_WORD.sub("-", words.lower()).strip("-")[:80] or "heading"
    slug = plain
    while slug in page.slugs:
        page.slugs[plain] += 1
        slug = f"{plain}-{page.slugs[plain]}"
    page.slugs[slug] = 0
    page.last_slug = f"{page.prefix}{slug}"
    return page.last_slug


def _address(href: str, page: _Page) -> str | None:
    """Where a link of the text leads; None if it may lead nowhere."""
    if href.startswith("#") and len(href) > 1:
        return f"#{page.prefix}{href[1:].lower()}"
    return href if _ABSOLUTE.match(href) else None


_renderer = _Renderer()
