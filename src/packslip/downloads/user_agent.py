"""What a client tells about itself in `User-Agent`.

pip, uv and Hatch send JSON after their name, in the form that pip made and the `linehaul` project
describes. Others send products (RFC 9110, 10.1.5), most of them in the manner of requests-toolbelt:
`poetry/2.5.1 CPython/3.11.7 Linux/6.1.0`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from packslip.web.user_agents import BROWSERS_PRODUCT, first_product

#: What a browser is called; the names that browsers give themselves say little.
BROWSER = "browser"

_DECODER = json.JSONDecoder()
_PYTHON = re.compile(r"\bCPython[/ ](\d[\w.]{0,63})", re.IGNORECASE)
_SYSTEMS = {
    "Android": "Linux",
    "Linux": "Linux",
    "Windows": "Windows",
    "Darwin": "Darwin",
    "Mac OS X": "Darwin",
    "FreeBSD": "FreeBSD",
}


@dataclass(frozen=True)
class Client:
    """What is known of a client; None where it did not tell.

    The installer's name is in lower case. Lengths fit the columns of `Download`.
    """

    installer: str | None = None
    installer_version: str | None = None
    python_version: str | None = None
    system: str | None = None


@lru_cache(maxsize=1024)
def parse_user_agent(text: str) -> Client:
    """Read a `User-Agent` header. What cannot be understood is left out; nothing is raised."""
    name, version = first_product(text) or (None, None)
    if name == BROWSERS_PRODUCT:
        return Client(installer=BROWSER, system=_find_system(text))
    told = _find_json(text)
    installer = _member(told, "installer")
    if "name" in installer:
        name, version = installer.get("name"), installer.get("version")
    python = told.get("python") or _find_python(text)
    system = _member(told, "system").get("name") or _find_system(text)
    return Client(
        installer=_cleaned(name.lower() if isinstance(name, str) else None, 32),
        installer_version=_cleaned(version, 64),
        python_version=_cleaned(python, 64),
        system=_cleaned(system, 64),
    )


def _find_json(text: str) -> dict[str, Any]:
    start = text.find("{")
    if start < 0:
        return {}
    try:
        found, _ = _DECODER.raw_decode(text, start)
    # Brackets nested too deep exhaust the decoder's stack, long numbers the limit of int().
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _member(told: dict[str, Any], name: str) -> dict[str, Any]:
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def _find_python(text: str) -> str | None:
    match = _PYTHON.search(text)
    return match[1] if match else None


def _find_system(text: str) -> str | None:
    return next((system for word, system in _SYSTEMS.items() if word in text), None)


def _cleaned(value: object, size: int) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable()).strip()[:size].strip() or None
