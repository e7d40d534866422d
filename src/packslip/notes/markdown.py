"""Markdown as notes have it, read into tokens.

CommonMark with tables, strikethrough and task lists, and with what leads to other parts of the
index: `[[package]]`, `[[package@1.2]]`, `@user`, `#tag`, and bare addresses. HTML is text here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from packaging.utils import canonicalize_name

#: Characters that are rendered; a longer text is shown as it is.
MAX_RENDERED = 300_000

#: Attempts to read something, after which a text is given up. Prose of 100,000 characters needs
#: a few thousand; this many take less than two seconds.
MAX_STEPS = 40_000

#: Mentions of a text that are looked up; further ones stay text.
MAX_MENTIONS = 500

#: Characters of a tag.
MAX_TAG = 50

#: Not within a word or an address, nor in an attribute of HTML, which is text here.
_TAG = re.compile(r"(?<![\w/#&;=-])(?<!=[\"'])#([\w-]+)")
_PACKAGE = re.compile(
    r"\[\[ {0,9}([A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?) {0,9}"
    r"(?:@ {0,9}([^\s\[\]|@]{1,100}) {0,9})?\]\]"
)
_USER = re.compile(r"(?<![\w@#/.&;+-])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,78}[A-Za-z0-9])?)")
_URL = re.compile(r"://[^\s<>\"'`\\^{}|]{1,2000}")
_SCHEME = re.compile(r"(?:^|.*[^A-Za-z0-9+.-])(https?)", re.IGNORECASE | re.DOTALL)
_TICK = re.compile(r"\[([ xX])\](?=\s)")


class Mention(NamedTuple):
    """What a text names: a package, perhaps with a version, a user or a tag."""

    kind: str
    name: str
    version: str | None = None


class TooMuchError(Exception):
    """Reading the text takes too many steps."""


@dataclass(frozen=True)
class Markdown:
    """A text that was read."""

    tokens: Sequence[Token]
    #: Each once, in the order of the text.
    mentions: Sequence[Mention]


# People read a note more often than they write it, and a preview is asked for again and again.
@lru_cache(maxsize=64)
def read_markdown(text: str) -> Markdown:
    """Read the text. The tokens are shared: do not change them.

    Raises:
        TooMuchError: it would take too long.
    """
    if len(text) > MAX_RENDERED:
        raise TooMuchError
    tokens = MARKDOWN.parse(text, {})
    found = dict.fromkeys(
        token.meta["mention"]
        for block in tokens
        for token in block.children or ()
        if token.type == "mention"
    )
    return Markdown(tokens, tuple(found)[:MAX_MENTIONS])


def is_tag(text: str) -> bool:
    """Whether that can stand behind a `#` as a tag: `#42` is none."""
    return len(text) <= MAX_TAG and any(character.isalpha() for character in text)


def walk(tokens: Sequence[Token]) -> Iterator[Token]:
    """All tokens, those inside of others too."""
    for token in tokens:
        yield token
        yield from walk(token.children or ())


def text_of(tokens: Sequence[Token]) -> str:
    """What the tokens say without their marks."""
    return "".join(
        " " if token.type in {"softbreak", "hardbreak"} else words_of(token)
        for token in walk(tokens)
        if token.type in {"text", "code_inline", "mention", "softbreak", "hardbreak"}
    )


def words_of(token: Token) -> str:
    """What the token says, a mention without its brackets."""
    return token.content.strip("[]") if token.type == "mention" else token.content


def _count_inline(state: StateInline, silent: bool) -> bool:
    _count(state.env)
    return False


def _count_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    _count(state.env)
    return False


def _count(env: object) -> None:
    assert isinstance(env, dict)
    env["steps"] = env.get("steps", 0) + 1
    if env["steps"] > MAX_STEPS:
        raise TooMuchError


def _read_package(state: StateInline, silent: bool) -> bool:
    # While a link's end is looked for, this must pass for brackets within it, not for a link.
    match = None if silent else _PACKAGE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    return _push(state, silent, match, Mention("package", canonicalize_name(match[1]), match[2]))


def _read_user(state: StateInline, silent: bool) -> bool:
    match = _USER.match(state.src, state.pos, state.posMax)
    return match is not None and _push(state, silent, match, Mention("user", match[1].lower()))


def _read_tag(state: StateInline, silent: bool) -> bool:
    match = _TAG.match(state.src, state.pos, state.posMax)
    tag = "" if match is None else match[1].strip("-_").lower()
    if match is None or not is_tag(tag):
        return False
    return _push(state, silent, match, Mention("tag", tag))


def _push(state: StateInline, silent: bool, match: re.Match[str], mention: Mention) -> bool:
    if not silent:
        # A link cannot stand in another one.
        token = state.push("mention" if state.linkLevel == 0 else "text", "", 0)
        token.content = match[0]
        token.meta = {"mention": mention}
    state.pos = match.end()
    return True


def _read_url(state: StateInline, silent: bool) -> bool:
    match = _URL.match(state.src, state.pos, state.posMax)
    if match is None or silent or state.linkLevel > 0:
        return False
    scheme = _SCHEME.fullmatch(state.src, max(0, state.pos - 6), state.pos)
    if scheme is None or not state.pending.endswith(scheme[1]):
        return False
    rest = _without_tail(match[0])
    if rest == "://":
        return False
    state.pending = state.pending[: -len(scheme[1])]
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(scheme[1] + rest)}
    state.push("text", "", 0).content = scheme[1] + rest
    state.push("link_close", "a", -1)
    state.pos += len(rest)
    return True


def _without_tail(url: str) -> str:
    """The address without what belongs to the sentence around it."""
    while url:
        shorter = url.rstrip(".,;:!?*_~]")
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == url:
            break
        url = shorter
    return url if len(url) > 3 else "://"


def _tick_tasks(state: StateCore) -> None:
    """Turn `[ ]` and `[x]` at the beginning of list items into ticks."""
    for at in range(2, len(state.tokens)):
        item, paragraph, inline = state.tokens[at - 2 : at + 1]
        if (item.type, paragraph.type, inline.type) != (
            "list_item_open",
            "paragraph_open",
            "inline",
        ):
            continue
        first = inline.children[0] if inline.children else None
        match = _TICK.match(first.content) if first is not None else None
        if match is None or first is None or first.type != "text":
            continue
        first.content = first.content[match.end() :]
        tick = Token("tick", "", 0)
        tick.meta = {"done": match[1] != " "}
        inline.children = [tick, *(inline.children or ())]


def _make() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    inline = markdown.inline.ruler
    inline.before("text", "count", _count_inline)
    inline.before("link", "package", _read_package)
    inline.after("link", "user", _read_user)
    inline.after("user", "tag", _read_tag)
    inline.after("tag", "url", _read_url)
    # A rule that only counts must be asked wherever a block may begin or end.
    markdown.block.ruler.before(
        "table", "count", _count_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    markdown.core.ruler.push("tasks", _tick_tasks)
    return markdown


MARKDOWN = _make()
