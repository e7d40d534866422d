"""Commands as the documentation gives them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- not run: (?P<why>[^\n]+) -->\n)?"
    r"^(?P<indent>[ ]*)```console\n(?P<text>.*?)^[ ]*```$",
    re.MULTILINE | re.DOTALL,
)

#: What may stand before a program.
_BEFORE = frozenset({"sudo", "exec", "time", "export", "!"})

_ENDS = frozenset({"|", "||", "&&", ";", "(", ")", "&"})


@dataclass(frozen=True)
class Command:
    """A command with what it is said to print."""

    place: str
    text: str
    prints: list[str]
    #: Why the tutorial's test passes over it, if it does.
    not_run: str | None


def pages() -> list[Path]:
    """The pages that tell people what to type."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page, in its order."""
    for block in _BLOCK.finditer(page.read_text()):
        told, prints = "", list[str]()
        ending = ""
        for line in block["text"].splitlines():
            line = line.removeprefix(block["indent"])  # noqa: PLW2901 - the same line
            if ending:
                told += f"\n{line}"
                ending = "" if line == ending else ending
            elif line.startswith(("$ ", "# ")):
                if told:
                    yield Command(page.name, told, prints, block["why"])
                told, prints = line[2:], []
                here = re.search(r"<<'?(\w+)'?$", told)
                ending = here[1] if here else ""
            elif told.endswith("\\"):
                told = told[:-1] + line.strip()
            elif line.strip():
                prints.append(line)
        if told:
            yield Command(page.name, told, prints, block["why"])


def programs(text: str) -> Iterator[list[str]]:
    """The programs that a command runs, each with its words."""
    lexer = shlex.shlex(text.partition("\n")[0], posix=True, punctuation_chars="();|&")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in _ENDS:
            if words:
                yield words
            words = []
        elif words or not (word in _BEFORE or re.match(r"\w+=", word)):
            words.append(word)
