"""Notes as files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.errors import InvalidError
from packslip.notes.front_matter import (
    CommentFile,
    NoteFile,
    RevisionFile,
    filename_of,
    read_file,
    write_file,
)
from packslip.notes.models import Visibility
from packslip.packages.models import Act

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
MOMENTS = st.none() | st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - without one, as hypothesis wants it
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
BODIES = TEXTS | st.sampled_from(["\n", "\n\n", "---\n", "\n---\n", "a\n---\n\nb\n", "\ufeff"])


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
        body=BODIES,
    )
)
def test_what_is_written_is_read_back(note: NoteFile) -> None:
    text = write_file(note)
    assert read_file(text, NoteFile) == note
    # As editors and version control on other systems leave it.
    assert read_file("\ufeff" + text.replace("\n", "\r\n"), NoteFile) == note
    assert filename_of(note).isascii()
    assert "/" not in filename_of(note)


@given(
    st.builds(
        RevisionFile,
        number=st.integers(),
        saved_by=st.none() | TEXTS,
        saved_at=MOMENTS,
        title=TEXTS,
        visibility=st.sampled_from(Visibility),
        act=st.sampled_from(Act),
        body=BODIES,
    )
    | st.builds(CommentFile, author=TEXTS, created_at=MOMENTS.filter(bool), body=BODIES)
)
def test_revisions_and_comments_are_read_back(file: RevisionFile | CommentFile) -> None:
    assert read_file(write_file(file), type(file)) == file


@given(st.text() | st.text().map(lambda text: f"---\n{text}\n---\n"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_file(text, NoteFile)
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
        ('title: "x"\nauthor: "ada"\ncreated_at: "2026-01-02T03:04:05"', "created_at"),
    ],
)
def test_what_is_wrong_is_said(lines: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        read_file(f"---\n{lines}\n---\n\nText.\n", NoteFile)


def test_a_file_by_hand_needs_little() -> None:
    found = read_file('---\ntitle: "Why"\nauthor: "ada"\n---\nText.', NoteFile)
    assert (found.title, found.body, found.visibility) == ("Why", "Text.", "private")
    assert (
        filename_of(NoteFile(id=7, title="Ünder_score ../x", author="a"))
        == "00007-under-score-x.md"
    )
