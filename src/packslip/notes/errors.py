"""Why something about a note is refused."""

from __future__ import annotations

from packslip.errors import ConflictError, InvalidError, NotAllowedError, NotFoundError
from packslip.notes.models import Note
from packslip.packages.models import Act


class UnknownNoteError(NotFoundError):
    """There is no such note, or not for this person: nobody can tell which."""

    def __init__(self, note_id: int) -> None:
        super().__init__(f"There is no note {note_id}.")
        self.note_id = note_id


class UnknownRevisionError(NotFoundError):
    """The note has no such revision, or not for this person."""

    def __init__(self, note_id: int, number: int) -> None:
        super().__init__(f"The note {note_id} has no revision {number}.")


class UnknownCommentError(NotFoundError):
    """The note has no such comment, or not any more."""

    def __init__(self, comment_id: int) -> None:
        super().__init__(f"There is no comment {comment_id}.")


class NoteFieldError(InvalidError):
    """What was written into a field of a note will not do."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class EditConflictError(ConflictError):
    """The note was saved by somebody else after the text that is being saved began."""

    def __init__(self, note: Note, edition: int) -> None:
        super().__init__(
            f"The note {note.id} was saved meanwhile: it is at edition {note.edition}, and this"
            f" began from {edition}. Nothing was overwritten."
        )
        #: As it is now.
        self.note = note
        #: That from which the refused text began.
        self.edition = edition


class NotAuthorError(NotAllowedError):
    """Others may read the note, but not change it."""

    def __init__(self, note_id: int) -> None:
        super().__init__(f"Only who wrote the note {note_id} may do this.")


class NotCommentatorError(NotAllowedError):
    """The comment is somebody else's."""

    def __init__(self, comment_id: int) -> None:
        super().__init__(f"Only who wrote the comment {comment_id} may do this.")


class NoCommentsError(NotAllowedError):
    """The note takes no comments."""

    def __init__(self, note_id: int) -> None:
        super().__init__(f"Members comment on notes that the team can see; the note {note_id} no.")


class ActNotAllowedError(NotAllowedError):
    """Others decide what acts on the package."""

    def __init__(self, act: Act, package_id: str, who: str) -> None:
        super().__init__(f"Only {who} may {act} the package {package_id!r}.")
        self.act = act
        self.package_id = package_id


class StillActingError(InvalidError):
    """Something cannot be done to a note while it acts."""

    def __init__(self, note: Note, what: str, field: str | None = None) -> None:
        super().__init__(
            f"The note {note.id} acts on the package {note.package_id!r}, so it cannot be {what}:"
            " lift it first."
        )
        self.note_id = note.id
        self.field = field


class NotActingError(InvalidError):
    """There is nothing to lift, or nothing that could act again."""

    def __init__(self, note_id: int, why: str) -> None:
        super().__init__(f"The note {note_id} {why}.")


class StillYankedError(InvalidError):
    """A yank cannot be taken back by the button."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class NobodyToWriteError(InvalidError):
    """A note needs somebody who wrote it."""

    def __init__(self, package_id: str) -> None:
        super().__init__(
            f"There is nobody to write the note: the package {package_id!r} has no owner, and the"
            " index no admin. Name somebody with --user."
        )
