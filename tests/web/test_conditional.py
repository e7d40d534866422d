"""Answers to clients that know an ETag (RFC 9110, 13)."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug import Response

from packslip.web.conditional import answer_conditionally


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"If-Match": '"one"'}, 200),
        ({"If-Match": '"other", "one"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"other"'}, 412),
        # Only strong ones are compared.
        ({"If-Match": 'W/"one"'}, 412),
        ({"If-None-Match": '"one"'}, 304),
        ({"If-None-Match": 'W/"one"'}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Match": "*", "If-None-Match": '"one"'}, 304),
        ({"If-Match": '"one"', "If-None-Match": '"one"'}, 304),
        ({"If-Match": '"other"', "If-None-Match": '"other"'}, 412),
    ],
)
def test_what_a_client_knows_decides(headers: dict[str, str], status: int) -> None:
    with Flask("test").test_request_context(headers=headers):
        response = Response(b"body")
        response.set_etag("one")
        answer = answer_conditionally(response)
        assert answer.status_code == status
        if status == 412:
            assert answer.get_data() == b""
