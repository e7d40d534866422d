"""The texts of packages as the search sees them: plain words, pieces of names, Python versions.

Nothing here knows a database. Index and queries go through the same functions, and neither
database is left to decide what a word is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

#: So much of a description is searched, links and tags not counted.
DESCRIPTION_CHARACTERS = 3000

#: Longer words are cut, in the index as in queries.
LONGEST_WORD = 64

#: Up to this minor version of Python 3 the index knows what a package allows.
LAST_MINOR = 40

#: What links and tags have inside would be found, and is not what people read.
_NOISE = re.compile(r"<[^<>]{0,500}>|\w+://[^\s)\]>\"']+")
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=4096)
def _decomposed(character: str) -> str:
    return unicodedata.normalize("NFKD", character)


def words_of(text: str) -> list[str]:
    """The words of a text in order: letters and digits in lower case, without accents."""
    if text.isascii():
        folded = text.lower()
    else:
        # One character at a time: a long row of accents would be sorted, which takes the square of
        # its length, and all of them are left out anyway.
        parts = "".join(map(_decomposed, text)).casefold()
        bare = "".join(part for part in parts if not unicodedata.combining(part))
        folded = unicodedata.normalize("NFC", bare)
    return [word[:LONGEST_WORD] for word in _WORD.findall(folded)]


def plain_text(text: str) -> str:
    """The words of a text with spaces between them."""
    return " ".join(words_of(text))


def plain_description(text: str) -> str:
    """The words of a description's beginning."""
    return plain_text(_NOISE.sub(" ", text[: 4 * DESCRIPTION_CHARACTERS])[:DESCRIPTION_CHARACTERS])


def compact_name(name: str) -> str:
    """The name without what separates its words: `flasksqlalchemy` for Flask-SQLAlchemy."""
    return "".join(words_of(name))


def name_words(name: str) -> list[str]:
    """The words of a package's name, once each: split at signs, at humps, and not at all.

    Flask-SQLAlchemy gives flask, sqlalchemy, sql, alchemy and flasksqlalchemy.
    """
    humps = words_of(_HUMP.sub(" ", name))
    return list(dict.fromkeys([*words_of(name), *humps, compact_name(name)[:LONGEST_WORD]]))


def trigrams(compact: str) -> set[str]:
    """The groups of three letters in a compact name, its beginning and end marked.

    Names that differ by a slip of the finger have most of them in common.
    """
    marked = f"^{compact}$"
    return {marked[start : start + 3] for start in range(len(marked) - 2)}


@lru_cache(maxsize=4096)
def python_bits(requires_python: str | None) -> int:
    """Which versions 3.n of Python are allowed: bit n is set for those.

    A version is allowed when any of its patch releases is. What cannot be understood allows all.
    """
    try:
        specifiers = SpecifierSet(requires_python or "")
        named = [Version(one.version.removesuffix(".*")) for one in specifiers]
    except (InvalidSpecifier, ValueError):
        specifiers, named = SpecifierSet(), []
    bits = 0
    for minor in range(LAST_MINOR + 1):
        patches = [Version(f"3.{minor}.0"), Version(f"3.{minor}.99")]
        patches += [one for one in named if one.release[:2] == (3, minor)]
        if any(specifiers.contains(patch, prereleases=True) for patch in patches):
            bits |= 1 << minor
    return bits
