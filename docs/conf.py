"""How Sphinx makes a site of these pages: `make docs`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packslip import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Packslip"
author = "the founders of Packslip"
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build", "adr/README.md"]
nitpicky = True
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"Packslip {__version__}"
html_show_copyright = False
# The pages are written in Markdown, which a reader has in the source.
html_show_sourcelink = False
html_copy_source = False

#: Links to files beside this folder, which the site does not have.
_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?!docs/)([^)#]+)(?:#[^)]*)?\)")


def _name_files_of_the_source(app: Sphinx, name: str, content: list[str]) -> None:
    folder = name.rpartition("/")[0]

    def told(link: re.Match[str]) -> str:
        if folder and link[2].endswith(".md"):
            return link[0]
        path = f"`{link[2]}`"
        return path if link[1].strip("`") == link[2] else f"{link[1]} ({path})"

    content[0] = _OUTSIDE.sub(told, content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Prepare the pages for Sphinx."""
    app.connect("source-read", _name_files_of_the_source)
    return {"parallel_read_safe": True}
