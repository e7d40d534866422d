"""Comments on notes for tools: `/api/v1/notes/<note_id>/comments`."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from packslip.accounts.callers import current_caller, guard_callers, require_caller
from packslip.accounts.models import Scope
from packslip.db import session
from packslip.events.operations import Actor
from packslip.notes.comments import add_comment, delete_comment, edit_comment
from packslip.notes.documents import CommentList, NewComment, comment_document
from packslip.notes.errors import UnknownCommentError
from packslip.notes.models import Note, NoteComment
from packslip.notes.queries import list_comments
from packslip.notes.readers import get_readable, reader_of
from packslip.notes.routes.api_answers import answer, change_note
from packslip.notes.routes.api_requests import read_body

blueprint = Blueprint("comments_api", __name__, url_prefix="/api/v1/notes/<int:note_id>/comments")
guard_callers(blueprint)


@blueprint.get("")
def index(note_id: int) -> Response:
    """List the comments on a note, the oldest first."""
    note = get_readable(session(), reader_of(current_caller()), note_id)
    found = list_comments(session(), note)
    return answer(CommentList([comment_document(one) for one in found]))


@blueprint.post("")
def create(note_id: int) -> Response:
    """Comment on a note."""
    caller = require_caller(Scope.NOTES)
    body = read_body(NewComment).body

    def act(transaction: Session, actor: Actor, note: Note) -> int:
        return add_comment(transaction, actor, caller.user, note, body).id

    comment_id = change_note(caller, note_id, act)
    response = _shown(note_id, comment_id, 201)
    response.headers["Location"] = url_for(".read", note_id=note_id, comment_id=comment_id)
    return response


@blueprint.get("/<int:comment_id>")
def read(note_id: int, comment_id: int) -> Response:
    """Give a comment."""
    return _shown(note_id, comment_id)


@blueprint.patch("/<int:comment_id>")
def change(note_id: int, comment_id: int) -> Response:
    """Write another text in place of one's own comment."""
    caller = require_caller(Scope.NOTES)
    body = read_body(NewComment).body

    def act(transaction: Session, actor: Actor, note: Note) -> None:
        _find(transaction, note, comment_id)
        edit_comment(transaction, actor, caller.user, comment_id, body)

    change_note(caller, note_id, act)
    return _shown(note_id, comment_id)


@blueprint.delete("/<int:comment_id>")
def delete(note_id: int, comment_id: int) -> Response:
    """Take a comment away."""
    caller = require_caller(Scope.NOTES)

    def act(transaction: Session, actor: Actor, note: Note) -> None:
        _find(transaction, note, comment_id)
        delete_comment(transaction, actor, caller.user, comment_id)

    change_note(caller, note_id, act)
    return Response(status=204)


def _shown(note_id: int, comment_id: int, status: int = 200) -> Response:
    note = get_readable(session(), reader_of(current_caller()), note_id)
    return answer(comment_document(_find(session(), note, comment_id)), status)


def _find(transaction: Session, note: Note, comment_id: int) -> NoteComment:
    for comment in list_comments(transaction, note):
        if comment.id == comment_id:
            return comment
    raise UnknownCommentError(comment_id)
