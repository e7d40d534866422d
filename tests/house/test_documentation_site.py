"""The site that Sphinx makes of the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.documented import ROOT

from tools import reference


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as `make docs` makes it: each warning is an error."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", folder / "doctrees", ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_it_has_every_page(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}
    pages.remove(Path("adr/README.md"))
    assert {page.with_suffix(".html") for page in pages} <= {
        page.relative_to(site) for page in site.rglob("*.html")
    }


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not re.findall(r"<(?:script|img|iframe|source)[^>]*src=\"(?:https?:)?//", text), page
        assert not re.findall(r"<link[^>]*href=\"(?:https?:)?//", text), page
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()[\s\"']*(?:https?:)?//", style.read_text()), style


def test_pages_made_from_the_code_are_as_the_code_is() -> None:
    for name, page in reference.pages().items():
        told = (reference.FOLDER / name).read_text()
        assert told == page, f"{name}: python -m tools.reference writes it anew"
