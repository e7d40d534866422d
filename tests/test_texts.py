import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.errors import InvalidError
from packslip.texts import one_line


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"]), max_size=20))
def test_a_line_of_visible_characters_stays_as_it_is(text: str) -> None:
    assert one_line(text, "The reason", 20) == text


@pytest.mark.parametrize("mark", ["\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_control_characters_and_line_breaks_are_refused(mark: str) -> None:
    with pytest.raises(InvalidError, match=r"^The reason must be one line"):
        one_line(f"a{mark}b", "The reason", 20)


def test_space_around_it_does_not_count() -> None:
    assert one_line(f"  {'x' * 20}\n", "The reason", 20) == "x" * 20


def test_a_text_that_is_too_long_is_told_the_limit() -> None:
    with pytest.raises(InvalidError, match=r"at most 20 characters, not 21"):
        one_line("x" * 21, "The reason", 20)
