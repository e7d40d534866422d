"""The name of a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.helpers.app import make_app


def test_each_request_has_a_name_of_its_own_whatever_a_client_calls_it(client: FlaskClient) -> None:
    given = {"X-Request-ID": "0123456789abcdef"}
    names = {client.get("/healthz", headers=given).headers["X-Request-ID"] for _ in range(5)}
    assert len(names | {given["X-Request-ID"]}) == 6


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("req-0123.4567_89", True), ("short", False), ("a" * 65, False), ("a b c d e f g", False)],
)
def test_a_trusted_proxy_may_name_it(tmp_path: Path, given: str, is_kept: bool) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path}/packslip.db", PACKSLIP_TRUSTED_PROXIES="1")
    answer = app.test_client().get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_kept
