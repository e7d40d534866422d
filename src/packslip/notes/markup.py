"""What the text of a note names: tags and packages. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from packslip.notes.markdown import MAX_TAG, TooMuchError, read_markdown

__all__ = ["MAX_NAMES", "MAX_TAG", "Names", "names_in"]

#: Names of each kind that are kept of one note; further ones are text.
MAX_NAMES = 100


@dataclass(frozen=True)
class Names:
    """What a text names, in the order in which it does."""

    #: In lower case, without `#`.
    tags: tuple[str, ...]
    #: Normalised names of packages; there may be no such packages.
    packages: tuple[str, ...]


def names_in(body: str) -> Names:
    """The `#tags` and `[[packages]]` of a Markdown text that stand in no code and no link.

    A tag has a letter in it, so that `#42` is none. What cannot be rendered names nothing.
    """
    if "#" not in body and "[[" not in body:
        return Names((), ())
    try:
        mentions = read_markdown(body).mentions
    except TooMuchError:
        return Names((), ())
    tags = (one.name for one in mentions if one.kind == "tag")
    packages = (one.name for one in mentions if one.kind == "package")
    return Names(tuple(dict.fromkeys(tags))[:MAX_NAMES], tuple(dict.fromkeys(packages))[:MAX_NAMES])
