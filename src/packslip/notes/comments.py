"""Comments on notes."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.notes.access import require_commentator, require_member
from packslip.notes.acts import lock_note
from packslip.notes.errors import NotCommentatorError, NoteFieldError, UnknownCommentError
from packslip.notes.fields import MAX_COMMENT, checked_text
from packslip.notes.models import Note, NoteComment, Visibility
from packslip.notes.queries import get_comment


def add_comment(session: Session, actor: Actor, user: User, note: Note, body: str) -> NoteComment:
    """Comment on a note that the team can see.

    Raises:
        UnknownNoteError: there is no such note for this person.
        NoCommentsError: it is private.
        NoteFieldError: the comment is empty, or too long.
    """
    body = _checked(body)
    note = lock_note(session, user, note)
    require_commentator(session, user, note)
    comment = NoteComment(note_id=note.id, user=user, body=body)
    session.add(comment)
    session.flush()
    _tell(session, actor, Action.COMMENT_CREATE, note, comment)
    return comment


def edit_comment(
    session: Session, actor: Actor, user: User, comment_id: int, body: str
) -> NoteComment:
    """Write another text in place of one's own comment.

    Raises:
        UnknownCommentError: there is no such comment for this person.
        NotCommentatorError: somebody else wrote it.
        NoCommentsError: the note is private by now.
        NoteFieldError: the comment is empty, or too long.
    """
    body = _checked(body)
    note, comment = _lock(session, user, comment_id)
    require_commentator(session, user, note)
    if comment.user_id != user.id:
        raise NotCommentatorError(comment.id)
    if comment.body != body:
        comment.body = body
        _tell(session, actor, Action.COMMENT_EDIT, note, comment)
    return comment


def delete_comment(session: Session, actor: Actor, user: User, comment_id: int) -> None:
    """Take a comment away: one's own, one on one's own note, or as an admin any.

    Its text is gone at once.

    Raises:
        UnknownCommentError: there is no such comment for this person.
        NotCommentatorError: it is somebody else's.
    """
    note, comment = _lock(session, user, comment_id)
    if not may_delete_comment(user, note, comment):
        raise NotCommentatorError(comment.id)
    comment.body, comment.deleted_at = "", datetime.now(UTC)
    _tell(session, actor, Action.COMMENT_DELETE, note, comment)


def may_delete_comment(user: User, note: Note, comment: NoteComment) -> bool:
    """Whether the user may take that comment on a note that they may read away."""
    if user.disabled_at is not None:
        return False
    return user.id in {comment.user_id, note.user_id} or user.role == Role.ADMIN


def _checked(body: str) -> str:
    body = checked_text(body, "body", "The comment", MAX_COMMENT).strip()
    if not body:
        raise NoteFieldError("body", "Write something.")
    return body


def _lock(session: Session, user: User, comment_id: int) -> tuple[Note, NoteComment]:
    require_member(session, user)
    note, comment = get_comment(session, user, comment_id)
    note = lock_note(session, user, note)
    found = session.get(NoteComment, comment.id, with_for_update=True)
    if found is None or found.deleted_at is not None:
        raise UnknownCommentError(comment_id)
    return note, found


def _tell(session: Session, actor: Actor, action: Action, note: Note, comment: NoteComment) -> None:
    session.flush()
    if note.visibility == Visibility.PRIVATE:
        return
    data = {"note_id": note.id, "title": note.title, "comment_id": comment.id}
    if note.package_id is not None:
        data["package"] = note.package_id
    record(session, actor, action, data=data)
