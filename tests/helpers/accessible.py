"""Whether a page can be used by everybody: axe's rules, and what axe does not look at."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

_SCHEMES = ("light", "dark")
_WIDTHS = (1280, 390)

_axe = Axe()


def accessibility_faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands, in light and dark, wide and narrow.

    The rules are those of WCAG 2.2 A and AA that a program can check, and that nothing has to be
    scrolled sideways at 320 pixels (1.4.10).
    """
    found: list[str] = []
    for width in _WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)
            result = _axe.run(page, options={"runOnly": {"type": "tag", "values": _TAGS}})
            for rule in result.response["violations"]:
                places = ", ".join(str(node["target"]) for node in rule["nodes"][:3])
                found.append(f"{page.url} {scheme} {width}: {rule['id']}: {places}")
    page.set_viewport_size({"width": 320, "height": 900})
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wider > 0:
        found.append(f"{page.url}: {wider} pixels wider than a screen of 320")
    return found
