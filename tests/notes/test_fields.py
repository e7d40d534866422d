"""The rules for what is written into a note."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.helpers.notes import fields

from packslip.notes.errors import NoteFieldError
from packslip.notes.fields import MAX_BODY, NoteFields, check_act, check_fields
from packslip.notes.models import Visibility
from packslip.packages.models import Act

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def test_names_and_versions_are_kept_in_one_form() -> None:
    checked = check_fields(
        fields(
            " Title ",
            body="one\r\ntwo\r",
            package=" Demo_App ",
            version_range="1.2",
            fixed_in="v1.3.0-rc1",
            expires_at=PAST,
        )
    )
    assert checked == NoteFields(
        title="Title",
        body="one\ntwo\n",
        package="demo-app",
        version_range="==1.2",
        fixed_in="1.3.0rc1",
    )
    assert check_fields(fields(version_range="1.2", package=" ")).version_range is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", {"title": " "}),
        ("title", {"title": "", "act": Act.HOLD}),
        ("title", {"title": "x" * 201}),
        ("title", {"title": "two\nlines"}),
        ("title", {"title": "red\x1b[31m"}),
        ("title", {"title": "evil \u202e txt"}),
        ("body", {"body": "é" * (MAX_BODY // 2 + 1)}),
        ("body", {"body": "a\0b"}),
        ("body", {"body": "\ud800"}),
        ("package", {"package": "no name"}),
        ("package", {"package": "a\0"}),
        ("version_range", {"package": "demo", "version_range": "new"}),
        ("fixed_in", {"fixed_in": "soon"}),
        ("review_at", {"review_at": datetime(2030, 1, 1)}),  # noqa: DTZ001
        ("package", {"act": Act.YANK, "package": None}),
        ("visibility", {"act": Act.WARN, "visibility": Visibility.PRIVATE}),
        ("version_range", {"act": Act.ARCHIVE, "version_range": "==1"}),
        ("expires_at", {"act": Act.YANK, "expires_at": PAST}),
    ],
)
def test_what_will_not_do_is_refused_at_its_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(NoteFieldError) as caught:
        check_act(check_fields(fields(**values)))
    assert caught.value.field == field
    assert caught.value.reason.isprintable()


def test_a_yank_needs_no_title_and_the_longest_texts_will_do() -> None:
    assert check_fields(fields("", act=Act.YANK)).title == ""
    check_fields(fields("x" * 200, body="é" * (MAX_BODY // 2)))
