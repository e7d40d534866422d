"""What the documentation must keep up with."""

from __future__ import annotations

import re
from pathlib import Path

from packslip.settings import PREFIX, SETTINGS

DOCS = Path(__file__).parents[2] / "docs"


def documented_settings() -> dict[str, str]:
    """The names in the table of settings, with their defaults."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (DOCS / "settings.md").read_text(), re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    settings = {PREFIX + setting.name.upper(): setting.default or "empty" for setting in SETTINGS}
    assert documented_settings() == {**settings, "PACKSLIP_CONFIG": "packslip.toml"}
