from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from packslip.notes.differences import MAX_COMPARED, Kind, difference

LINES = st.lists(st.sampled_from("abcd"), max_size=30)


@settings(max_examples=100, deadline=None)
@given(LINES, LINES)
def test_a_difference_tells_both_texts_apart_from_what_it_leaves_out(
    old: list[str], new: list[str]
) -> None:
    lines = difference("\n".join(old), "\n".join(new))
    if "\n".join(old) == "\n".join(new):
        assert lines == []
        return
    for line in lines:
        if line.old is not None:
            assert old[line.old - 1 : line.old] in ([line.text], [])
        if line.new is not None:
            assert new[line.new - 1 : line.new] in ([line.text], [])
    kept = [
        text for at, text in enumerate(old, 1) if at not in _numbers(lines, Kind.REMOVED, "old")
    ]
    came = [text for at, text in enumerate(new, 1) if at not in _numbers(lines, Kind.ADDED, "new")]
    assert kept == came or not old or not new


def _numbers(lines: list, kind: Kind, side: str) -> set[int]:
    return {getattr(line, side) for line in lines if line.kind is kind}


def test_lines_far_from_a_change_are_left_out() -> None:
    old = [str(number) for number in range(20)]
    lines = difference("\n".join(old), "\n".join([*old[:10], "new", *old[10:]]))
    assert [line.text for line in lines] == [
        "7 unchanged lines", "7", "8", "9", "new", "10", "11", "12", "7 unchanged lines",
    ]  # fmt: skip


def test_texts_of_too_many_changed_lines_are_not_compared() -> None:
    old, new = "a\nb\n" * MAX_COMPARED, "b\na\n" * MAX_COMPARED
    kinds = [line.kind for line in difference(old, new)]
    assert kinds.count(Kind.REMOVED) > MAX_COMPARED
