"""The code in notes, coloured by classes (see `description.css`)."""

from __future__ import annotations

import io
import re
import time
from html import escape

#: Characters of a block that is coloured; longer ones stay plain.
MAX_COLOURED = 10_000

#: Characters of its longest line. Pygments' patterns take quadratic time on what was made for it.
MAX_LINE = 300

#: Seconds for all blocks of a text; what comes later stays plain.
MAX_SECONDS = 1.0

#: What is coloured. Pygments knows hundreds of languages; some of its patterns take for ever on a
#: text that was made for it, so these are what a team that packs Python meets.
LANGUAGES = frozenset({
    "bash", "c", "c++", "console", "cpp", "cs", "css", "diff", "docker", "dockerfile", "go", "html",
    "ini", "java", "javascript", "js", "json", "make", "makefile", "py", "pycon", "pytb", "python",
    "python3", "rb", "rs", "rst", "ruby", "rust", "sh", "shell", "sql", "toml", "ts", "typescript",
    "xml", "yaml", "yml",
})  # fmt: skip

#: A long line, or many empty ones.
_LONG_RUN = re.compile(rf"[^\n]{{{MAX_LINE + 1}}}|(?:\n[ \t]*){{31}}")

_WORD = re.compile(r"[A-Za-z0-9+#-]+")


class Highlighter:
    """Colours the blocks of one text, until it took too long."""

    def __init__(self) -> None:
        self._left = MAX_SECONDS

    def block(self, code: str, info: str) -> str:
        """The code as a block of HTML.

        `info` is what stands behind a fence; its first word names the language.
        """
        word = _WORD.match(info.strip())
        language = "" if word is None else word[0].lower()
        began = time.monotonic()
        inside = self._colour(code, language) if self._may(code, language) else None
        self._left -= time.monotonic() - began
        if inside is None:
            return f"<pre><code>{escape(code)}</code></pre>\n"
        return f'<pre class="highlight"><code>{inside}</code></pre>\n'

    def _may(self, code: str, language: str) -> bool:
        return (
            language in LANGUAGES
            and self._left > 0
            and len(code) <= MAX_COLOURED
            and _LONG_RUN.search(code) is None
        )

    def _colour(self, code: str, language: str) -> str | None:
        # Imported here: Pygments takes longer to import than a page takes to make.
        from pygments.formatters import HtmlFormatter  # noqa: PLC0415
        from pygments.lexers import get_lexer_by_name  # noqa: PLC0415

        deadline = time.monotonic() + self._left
        tokens = []
        for token in get_lexer_by_name(language, stripnl=False).get_tokens(code):
            tokens.append(token)
            if time.monotonic() > deadline:
                return None
        out = io.StringIO()
        HtmlFormatter(nowrap=True).format(tokens, out)
        return out.getvalue()
