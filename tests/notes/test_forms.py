"""What is typed into the form of a note."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from packslip.notes.errors import NoteFieldError
from packslip.notes.fields import NoteFields
from packslip.notes.forms import NoteForm, fields_from, moment_of, typed_day, typed_moment
from packslip.packages.models import Act

EXACT = datetime(2027, 1, 31, 17, 0, 5, 678, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("  ", None),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T17:30", datetime(2027, 1, 31, 17, 30, tzinfo=UTC)),
        ("2027-01-31T17:30+02:00", datetime(2027, 1, 31, 15, 30, tzinfo=UTC)),
        (typed_day(EXACT), EXACT),
        (typed_moment(EXACT), EXACT),
    ],
)
def test_a_moment_is_in_utc_and_stays_exact_when_it_is_not_touched(
    text: str, found: datetime | None
) -> None:
    old = EXACT if found == EXACT else None
    assert moment_of(text, "expires_at", old) == found


@pytest.mark.parametrize("text", ["soon", "2027-02-30", "0001-01-01T00:00+23:00", "9" * 5000])
def test_what_is_no_moment_is_a_fault_of_its_field(text: str) -> None:
    with pytest.raises(NoteFieldError) as caught:
        moment_of(text, "review_at")
    assert caught.value.field == "review_at"


def test_an_act_that_is_not_sent_stays_and_one_that_is_none_is_refused() -> None:
    old = NoteFields(act=Act.HOLD)
    assert fields_from(NoteForm(data={"visibility": "team"}), old).act is Act.HOLD
    with pytest.raises(NoteFieldError):
        fields_from(NoteForm(data={"visibility": "team", "act": "explode"}), old)
