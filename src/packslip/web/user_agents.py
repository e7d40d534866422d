"""What a `User-Agent` header says: the product at its beginning (RFC 9110, 10.1.5), a browser."""

from __future__ import annotations

import re
from typing import NamedTuple

#: What browsers call themselves at the beginning, all of them.
BROWSERS_PRODUCT = "Mozilla"

#: Of a header that says nothing of a known browser, so much is shown.
_SHOWN = 60

_PRODUCT = re.compile(r"\s*([^\s/(){}]{1,100})(?:/([^\s(){}]{1,100}))?(?:\s|$)")

# Each also names those that it wants to be taken for, which stand further down.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
)


class Product(NamedTuple):
    """A client's name and version, as it writes them."""

    name: str
    version: str | None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}/{self.version}"


def first_product(user_agent: str) -> Product | None:
    """The product at the beginning; None when there is none that can be read."""
    match = _PRODUCT.match(user_agent)
    return Product(*match.groups()) if match else None


def describe_browser(user_agent: str) -> str:
    """The browser and its system in words ("Firefox on Linux").

    Browsers say little that is true; what is no browser that is known is shown as it is, cut.
    """
    product = first_product(user_agent)
    if product is not None and product.name == BROWSERS_PRODUCT:
        browser = next((words for mark, words in _BROWSERS if mark in user_agent), None)
        system = next((words for mark, words in _SYSTEMS if mark in user_agent), None)
        if browser and system:
            return f"{browser} on {system}"
    shown = "".join(c if c.isprintable() else " " for c in user_agent).strip()
    if not shown:
        return "Something that does not say what it is"
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN].rstrip() + "…"
