"""The forms of notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired

from packslip.accounts.models import Role, User
from packslip.notes.access import CARING, may_act, who_may
from packslip.notes.errors import NoteFieldError
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, Visibility
from packslip.packages.models import Act, Package
from packslip.setting_choices import Read
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
    #: One of `Act`; nothing is sent when the one that stands is not offered.
    act = StringField("What it does")
    fixed_in = StringField(
        "Fixed in", description="The version that has it mended, such as 2.4. Tools tell it."
    )
    review_at = StringField(
        "Look at it again on", description="A day in UTC. From then on it is listed as due."
    )
    expires_at = StringField(
        "Ends by itself at", description="In UTC. Empty: when somebody lifts it."
    )
    #: From which edition of the note the text began: it tells whether somebody else saved since.
    edition = HiddenField()


def values_of(note: Note) -> dict[str, str | None]:
    """The note as values of its form."""
    return {
        "title": note.title,
        "body": note.body,
        "visibility": note.visibility,
        "package": note.package_id,
        "version_range": note.version_range,
        "act": note.act,
        "fixed_in": note.fixed_in,
        "review_at": typed_day(note.review_at),
        "expires_at": typed_moment(note.expires_at),
        "edition": str(note.edition),
    }


def fields_from(form: NoteForm, old: NoteFields) -> NoteFields:
    """What the note will hold: what was typed, and the rest as it was.

    Raises:
        NoteFieldError: a moment is none.
    """
    act = form.act.data or old.act
    if act not in set(Act):
        raise NoteFieldError("act", "A note does one of these.")
    return replace(
        old,
        title=form.title.data or "",
        body=form.body.data or "",
        visibility=Visibility(form.visibility.data),
        package=form.package.data or None,
        version_range=form.version_range.data or None,
        act=Act(act),
        fixed_in=form.fixed_in.data or None,
        review_at=moment_of(form.review_at.data, "review_at", old.review_at),
        expires_at=moment_of(form.expires_at.data, "expires_at", old.expires_at),
    )


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


#: What each act does, in words.
ACT_WORDS = {
    Act.NONE: "Nothing: a note to read.",
    Act.WARN: "Warn: pages, advisories and checks of lock files show it. Installers say nothing.",
    Act.YANK: "Yank: installers pass over these releases; where one is pinned, they take it and"
    " print the reason.",
    Act.HOLD: "Hold: the same, and the files are refused: nobody gets them, pinned or not.",
    Act.DEPRECATE: "Deprecate the package: it is marked as not to be used any more.",
    Act.ARCHIVE: "Archive the package: it is marked, and takes no uploads.",
    Act.QUARANTINE: "Quarantine the package: no uploads, and none of its files is offered.",
}


@dataclass(frozen=True)
class ActChoice:
    """An act as the editor offers it."""

    act: Act
    words: str
    #: Why it is not offered; None when it is.
    why_not: str | None


def act_choices(session: Session, user: User, package: Package | None) -> list[ActChoice]:
    """All acts, with those that the user may not do on the package, and who may.

    Without a package it is only known of those that need a role on the index.
    """
    return [ActChoice(act, ACT_WORDS[act], _why_not(session, user, package, act)) for act in Act]


def _why_not(session: Session, user: User, package: Package | None, act: Act) -> str | None:
    if package is None:
        is_free = act == Act.NONE or act in CARING or user.role in {Role.CURATOR, Role.ADMIN}
        return None if is_free else f"Only {who_may(None, act)} may."
    if may_act(session, user, package, act):
        return None
    return f"Only {who_may(package, act)} may on {package.name}, which is {package.origin}."


def moment_of(text: str | None, field: str, old: datetime | None = None) -> datetime | None:
    """The moment that was typed, in UTC: a day, or a day and time.

    A moment that stands as `typed_moment` gives `old` is that one, to the microsecond.

    Raises:
        NoteFieldError: it is none.
    """
    text = (text or "").strip()
    if not text:
        return None
    if old is not None and text in {typed_moment(old), typed_day(old)}:
        return old
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoteFieldError(field, "Write it like 2027-01-31 or 2027-01-31T17:00.") from None


def typed_moment(at: datetime | None) -> str:
    """The moment as the editor's field has it."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def typed_day(at: datetime | None) -> str:
    """Its day."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d")


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
