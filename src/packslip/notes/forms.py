"""The forms of notes."""

from __future__ import annotations

from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired

from packslip.notes.models import Visibility
from packslip.settings import Read
from packslip.web.context import current_settings
from packslip.web.forms import Form


class NoteForm(Form):
    """A note, as its author writes it."""

    title = StringField("Title")
    body = TextAreaField("Text, in Markdown")
    visibility = RadioField(
        "Who sees it",
        choices={one.value: one.value for one in Visibility},
        default=Visibility.PRIVATE.value,
    )
    package = StringField("Package", description="What the note is about. It may stay empty.")
    version_range = StringField(
        "Versions", description="Such as ==2.3 or >=1.1,<1.3. Empty means all of them."
    )
    #: From which edition of the note the text began: it tells whether somebody else saved since.
    edition = HiddenField()


class CommentForm(Form):
    """What somebody says about a note."""

    body = TextAreaField(
        "Your comment", [InputRequired("Write something.")], description="In Markdown."
    )


def words_of(visibility: str) -> str:
    """Who sees a note of that visibility, as a sentence."""
    return _words()[Visibility(visibility)]


def say_choices(form: NoteForm) -> None:
    """Say the form's choices in words."""
    form.visibility.choices = {one.value: words for one, words in _words().items()}


def _words() -> dict[Visibility, str]:
    everybody = (
        "everybody who can reach this index, without logging in."
        if current_settings().read is Read.PUBLIC
        else "every member who is logged in, since this index is for members."
    )
    return {
        Visibility.PRIVATE: "Private: you see it, and nobody else. Admins do not see it either.",
        Visibility.TEAM: "Team: every member who is logged in sees it and may comment on it.",
        Visibility.PUBLIC: f"Public: {everybody}",
    }
