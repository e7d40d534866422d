from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from packslip.packages.importing import values


def test_text_is_what_databases_take() -> None:
    assert values.text(" a\0b\ud800c\n") == "ab?c"
    assert values.text("UNKNOWN") == values.text(None) == values.text(3) == ""


def test_a_line_holds_nothing_that_a_terminal_obeys() -> None:
    assert values.line("a\n\x1b[31mb\u202ec  d") == "a [31mb c d"


def test_a_list_may_be_a_single_text() -> None:
    assert values.texts("a") == ["a"]
    assert values.texts(["a", "", None, 3, "b"]) == ["a", "b"]
    assert values.texts({"a": "b"}) == []


@pytest.mark.parametrize(
    ("given", "size"), [(5, 5), (0, 0), (-1, 0), (2**63, 0), ("5", 0), (1.5, 0), (None, 0)]
)
def test_a_size_is_a_number_that_fits(given: Any, size: int) -> None:
    assert values.size(given) == size


def test_a_digest_has_its_length() -> None:
    assert values.digest("AB" * 16, 32) == "ab" * 16
    assert values.digest("ab", 32) is None
    assert values.digest("xy" * 16, 32) is None


@pytest.mark.parametrize(
    "given", ["javascript:alert(1)", "//example.com", "http://", "http://[", "https://a b", 3]
)
def test_an_address_that_is_none_of_the_web_is_left_out(given: Any) -> None:
    assert values.web_address(given) is None
    assert values.web_address("https://example.com/a") == "https://example.com/a"


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2010-04-16T14:30:00", datetime(2010, 4, 16, 14, 30, tzinfo=UTC)),
        ("2010-04-16 14:30:00", datetime(2010, 4, 16, 14, 30, tzinfo=UTC)),
        ("2010-04-16T14:30:00.5Z", datetime(2010, 4, 16, 14, 30, 0, 500000, tzinfo=UTC)),
        ("2010-04-16T14:30:00+02:00", datetime(2010, 4, 16, 12, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+02:00", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_moment_without_zone_is_utc(given: Any, moment: datetime | None) -> None:
    assert values.moment(given) == moment
