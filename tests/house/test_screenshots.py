"""The pictures that `make screenshots` takes."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.app import make_app
from tools.shots import SHOTS, pages_not_shown


def test_every_page_has_a_picture(tmp_path: Path) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path / 'packslip.db'}")
    missing = [rule.rule for rule in pages_not_shown(app.url_map)]
    assert missing == [], f"add a Shot for each of them to tools/shots.py: {missing}"


def test_every_picture_has_a_name_of_its_own() -> None:
    names = [shot.name for shot in SHOTS]
    assert sorted(set(names)) == sorted(names)
