"""What the text of a note names: tags and packages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

#: Names of each kind that are kept of one note; further ones are text.
MAX_NAMES = 100

#: Characters of a tag.
MAX_TAG = 50

TAG = re.compile(r"(?<![\w/#&;-])#([\w-]+)")
LINK = re.compile(
    r"\[\[\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:@\s*([^\s\[\]|@]{1,100})\s*)?\]\]"
)


@dataclass(frozen=True)
class Names:
    """What a text names, in the order in which it does."""

    #: In lower case, without `#`.
    tags: tuple[str, ...]
    #: Normalised names of packages; there may be no such packages.
    packages: tuple[str, ...]


def names_in(body: str) -> Names:
    """The `#tags` and `[[packages]]` of a Markdown text that stand in no code and no link.

    A tag has a letter in it, so that `#42` is none.
    """
    tags: dict[str, None] = {}
    packages: dict[str, None] = {}
    if "#" not in body and "[[" not in body:
        return Names((), ())
    for text in _texts(body):
        packages.update((canonicalize_name(match[1]), None) for match in LINK.finditer(text))
        found = (match[1].strip("-_").lower() for match in TAG.finditer(LINK.sub(" ", text)))
        tags.update((tag, None) for tag in found if is_tag(tag))
    return Names(tuple(tags)[:MAX_NAMES], tuple(packages)[:MAX_NAMES])


def is_tag(text: str) -> bool:
    """Whether that can stand behind a `#` as a tag."""
    return len(text) <= MAX_TAG and any(character.isalpha() for character in text)


def _texts(body: str) -> Iterator[str]:
    # Imported here: commands that write no notes would load it for nothing.
    from markdown_it import MarkdownIt  # noqa: PLC0415

    # Tables are read as such for their cells; nothing else of a text depends on the dialect. What
    # is escaped stays a token of its own, so that `\\#this` is no tag.
    parser = MarkdownIt("commonmark").enable("table").disable("text_join")
    for block in parser.parse(body):
        links, parts = 0, []
        for token in block.children or ():
            links += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "text" and not links:
                parts.append(token.content)
            else:
                parts.append("\n")
        if parts:
            yield "".join(parts)
