"""What the documentation must keep up with."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from packslip.accounts.tokens import looks_like_token, new_secret
from packslip.settings import PREFIX, SETTINGS

DOCS = Path(__file__).parents[2] / "docs"


def documented_settings() -> dict[str, str]:
    """The names in the table of settings, with their defaults."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (DOCS / "settings.md").read_text(), re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    settings = {PREFIX + setting.name.upper(): setting.default or "empty" for setting in SETTINGS}
    assert documented_settings() == {**settings, "PACKSLIP_CONFIG": "packslip.toml"}


def test_tokens_are_as_secret_scanners_are_told() -> None:
    text = (DOCS / "accounts.md").read_text()
    labels = "before the checksum|its CRC-32|in base 62|the token"
    (pattern,) = re.findall(r"^packslip_\[.*$", text, re.MULTILINE)
    start, number, digits, token = (
        cell.strip(" `") for cell in re.findall(rf"^\| (?:{labels}) \|(.*)\|", text, re.MULTILINE)
    )
    assert (start + digits, zlib.crc32(start.encode())) == (token, int(number))
    assert looks_like_token(token)
    assert re.fullmatch(pattern, token)
    assert re.fullmatch(pattern, new_secret())
