"""Headers of every answer; those of each page are checked in `tests/house/test_addresses.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.app import make_app


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://packages.example.com", "max-age=31536000"),
        ("http://packages.example.com", None),
    ],
)
def test_browsers_stay_with_https_where_the_index_is_reached_by_it(
    tmp_path: Path, base_url: str, expected: str | None
) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path}/packslip.db", PACKSLIP_BASE_URL=base_url)
    for path in ("/healthz", "/nowhere", "/static/packslip.css", "/account/login"):
        answer = app.test_client().get(path)
        assert answer.headers.get("Strict-Transport-Security") == expected
        answer.close()
