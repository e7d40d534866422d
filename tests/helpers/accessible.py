"""Whether a page can be used by everybody: axe's rules, and what axe does not look at."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_EVERYTHING = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
}

#: What may differ between light and dark, and between wide and narrow. The other rules look at
#: elements and their texts, which are the same in all of them.
_APPEARANCE = {
    "type": "rule",
    "values": [
        "color-contrast",
        "link-in-text-block",
        "scrollable-region-focusable",
        "target-size",
    ],
}

#: What light and dark alone decide.
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}

_WAYS = (
    (1280, "light", _EVERYTHING),
    (1280, "dark", _COLOURS),
    (390, "dark", _APPEARANCE),
    (390, "light", _COLOURS),
)

#: Observers of sizes have drawn charts anew by then.
_SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def accessibility_faults(page: Page, *, thoroughly: bool = True) -> list[str]:
    """What is wrong with the page as it stands, in light and dark, wide and narrow.

    Unless this is done thoroughly, only in light and wide, which is enough for a page that hardly
    differs from one that was looked at thoroughly.

    The rules are those of WCAG 2.2 A and AA that a program can check, and that nothing has to be
    scrolled sideways at 320 pixels (1.4.10).
    """
    found: list[str] = []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for width, scheme, rules in _WAYS if thoroughly else _WAYS[:1]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for rule in _violations(page, rules):
            places = ", ".join(str(node["target"]) for node in rule["nodes"][:3])
            found.append(f"{page.url} {scheme} {width}: {rule['id']}: {places}")
    if not thoroughly:
        return found
    page.set_viewport_size({"width": 320, "height": 900})
    page.evaluate(_SETTLED)
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wider > 0:
        found.append(f"{page.url}: {wider} pixels wider than a screen of 320")
    return found


def _violations(page: Page, rules: dict[str, Any]) -> list[dict[str, Any]]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    violations: list[dict[str, Any]] = page.evaluate(
        "async (options) => (await axe.run(options)).violations", options
    )
    return violations
