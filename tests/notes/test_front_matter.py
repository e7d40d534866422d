"""Notes as files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.errors import InvalidError
from packslip.notes.front_matter import NoteFile, filename_of, read_note, write_note

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
MOMENTS = st.none() | st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - without one, as hypothesis wants it
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(
    st.builds(
        NoteFile,
        id=st.none() | st.integers(1, 2**63 - 1),
        title=TEXTS | st.sampled_from(["---", "a: b", "\u2028", "\x85", '"']),
        author=TEXTS,
        package=st.none() | TEXTS,
        versions=st.none() | TEXTS,
        tags=st.lists(TEXTS),
        pinned=st.booleans(),
        review_at=MOMENTS,
        created_at=MOMENTS,
        body=TEXTS | st.sampled_from(["\n", "\n\n", "---\n", "\n---\n", "a\n---\n\nb\n", "\ufeff"]),
    )
)
def test_what_is_written_is_read_back(note: NoteFile) -> None:
    text = write_note(note)
    assert read_note(text) == note
    # As editors and version control on other systems leave it.
    assert read_note("\ufeff" + text.replace("\n", "\r\n")) == note
    assert filename_of(note).isascii()
    assert "/" not in filename_of(note)


@given(st.text() | st.text().map(lambda text: f"---\n{text}\n---\n"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_note(text)
    except InvalidError as error:
        assert error.reason.isprintable()  # noqa: PT017 - many texts are notes


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("title: x", "no JSON"),
        ('title: "x"', "author"),
        ('title: "x"\ntitle: "y"\nauthor: "ada"', "twice"),
        ('title: "x"\nauthor: "ada"\ncolour: "red"', "colour"),
        ('title: "x"\nauthor: "ada"\nact: "burn"', "act"),
        ('title: "x"\nauthor: "ada"\nbody: "text"', "body"),
        ('title: "x"\n\nauthor: "ada"', "form"),
    ],
)
def test_what_is_wrong_is_said(lines: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        read_note(f"---\n{lines}\n---\n\nText.\n")


def test_a_file_by_hand_needs_little() -> None:
    found = read_note('---\ntitle: "Why"\nauthor: "ada"\n---\nText.')
    assert (found.title, found.body, found.visibility) == ("Why", "Text.", "private")
    assert (
        filename_of(NoteFile(id=7, title="Ünder_score ../x", author="a"))
        == "00007-under-score-x.md"
    )
