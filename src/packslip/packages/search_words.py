"""What a person types into a search box, as words to look for.

Words, "phrases" and -without is all that there is to say. Everything else, such as the operators
of the databases, is letters and digits with something between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packslip.packages.search_texts import words_of

#: What comes after so many characters or words is not looked at.
MAX_CHARACTERS = 2000
MAX_WORDS = 20

#: Shorter words are looked for as they are, longer ones also as the beginning of others.
SHORTEST_PREFIX = 3

_TERM = re.compile(r'(?P<minus>(?<!\S)-(?=[^\W_]|"))?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))')


@dataclass(frozen=True)
class SearchWords:
    """Words in the form in which the index has them; all of them must be found."""

    words: tuple[str, ...] = ()
    #: Each a run of words, which must stand one after the other.
    phrases: tuple[tuple[str, ...], ...] = ()
    #: Each a run of words that must not be there.
    without: tuple[tuple[str, ...], ...] = ()
    #: The normalised name of the package that may be meant.
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.phrases)

    @property
    def compact(self) -> str:
        """The name without what separates its words."""
        return self.name.replace("-", "")


def read_words(text: str) -> SearchWords:
    """Read what somebody typed. Nothing is an error; signs alone are no words."""
    named: list[str] = []
    words: list[str] = []
    phrases: list[tuple[str, ...]] = []
    without: list[tuple[str, ...]] = []
    left = MAX_WORDS
    for term in _TERM.finditer(text[:MAX_CHARACTERS]):
        told = words_of(term["word"] if term["phrase"] is None else term["phrase"])
        named += () if term["minus"] else told
        found = told[:left]
        left -= len(found)
        if not found:
            continue
        if term["minus"]:
            without.append(tuple(found))
        elif term["phrase"] is not None and len(found) > 1:
            phrases.append(tuple(found))
        else:
            words += found
    return SearchWords(tuple(dict.fromkeys(words)), tuple(phrases), tuple(without), "-".join(named))
