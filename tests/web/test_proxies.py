"""Who the client is, behind reverse proxies."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import request
from tests.helpers.app import make_app

CLIENT, INNER, OUTER, STRANGER = "203.0.113.9", "10.0.0.1", "10.0.0.2", "198.51.100.7"


def address_seen(folder: Path, trusted: str, peer: str, forwarded: str | None) -> str:
    app = make_app(folder, f"sqlite:///{folder}/packslip.db", PACKSLIP_TRUSTED_PROXIES=trusted)
    app.add_url_rule("/address", view_func=lambda: str(request.remote_addr))
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    environ = {"REMOTE_ADDR": peer}
    return app.test_client().get("/address", headers=headers, environ_base=environ).text


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "seen"),
    [
        ("0", INNER, CLIENT, INNER),
        ("1", INNER, CLIENT, CLIENT),
        ("1", INNER, f"{STRANGER}, {CLIENT}", CLIENT),
        ("2", INNER, f"{CLIENT}, {OUTER}", CLIENT),
        ("10.0.0.1", INNER, CLIENT, CLIENT),
        ("10.0.0.1", INNER, None, INNER),
        ("10.0.0.1", STRANGER, CLIENT, STRANGER),
        ("10.0.0.0/8, ::1", INNER, f"{CLIENT}, {OUTER}", CLIENT),
        # What a client claims to have come through is not believed.
        ("10.0.0.0/8", INNER, f"{INNER}, {CLIENT}", CLIENT),
        ("10.0.0.0/8", INNER, "garbage", "None"),
        ("1", INNER, "x" * 400, "None"),
        ("::1", "::1", CLIENT, CLIENT),
    ],
)
def test_only_trusted_proxies_name_the_client(
    tmp_path: Path, trusted: str, peer: str, forwarded: str | None, seen: str
) -> None:
    assert address_seen(tmp_path, trusted, peer, forwarded) == seen
