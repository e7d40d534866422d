"""Notes for tools: `/api/v1/notes`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from flask import Blueprint, Response, request, url_for
from msgspec import UNSET
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from packslip.accounts.callers import (
    confirm_caller,
    current_caller,
    guard_callers,
    require_caller,
    require_packages,
)
from packslip.accounts.models import Scope
from packslip.db import session, write_transaction
from packslip.events.operations import Actor
from packslip.notes.acts import lift_act, lock_note, resume_act
from packslip.notes.documents import (
    NewNote,
    NoteChanges,
    NoteList,
    RevisionList,
    note_document,
    revision_document,
)
from packslip.notes.errors import UnknownRevisionError
from packslip.notes.expiry import lift_expired_of
from packslip.notes.fields import check_fields, fields_of
from packslip.notes.finding import list_notes, tags_of
from packslip.notes.models import Note
from packslip.notes.operations import create_note, delete_note, edit_note, restore_note, set_flags
from packslip.notes.queries import get_deleted_note
from packslip.notes.readers import get_readable, readable_revisions, reader_of
from packslip.notes.routes.api_answers import answer, answer_note, change_note
from packslip.notes.routes.api_requests import (
    check_edition,
    read_body,
    read_listing,
    require_edition,
)
from packslip.web.conditional import answer_conditionally
from packslip.web.urls import base_url

blueprint = Blueprint("notes_api", __name__, url_prefix="/api/v1/notes")
guard_callers(blueprint)


@blueprint.get("")
def index() -> Response:
    """List notes, the newest first, page by page."""
    listing = read_listing(request.args)
    caller = current_caller()
    page = list_notes(
        session(), reader_of(caller), listing.wanted, limit=listing.limit, before=listing.before
    )
    tags = tags_of(session(), [note.id for note in page.notes])
    user = None if caller is None else caller.user
    notes = [note_document(note, tags.get(note.id, ()), user, base_url()) for note in page.notes]
    following = None
    if page.before is not None:
        arguments: dict[str, Any] = {**request.args.to_dict(), "before": str(page.before)}
        following = base_url() + url_for(".index", **arguments)
    response = answer(NoteList(notes, following))
    if following is not None:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


@blueprint.post("")
def create() -> Response:
    """Write a note."""
    caller = require_caller(Scope.NOTES)
    fields = check_fields(read_body(NewNote).fields())
    require_packages(caller, fields.package)
    if fields.package is not None:
        lift_expired_of(session(), fields.package)
    actor = caller.actor(request.remote_addr)
    with write_transaction(session()) as transaction:
        confirm_caller(transaction, caller)
        note_id = create_note(transaction, actor, caller.user, fields).id
    response = answer_note(caller, note_id, 201)
    response.headers["Location"] = url_for(".read", note_id=note_id)
    return response


@blueprint.get("/<int:note_id>")
def read(note_id: int) -> BaseResponse:
    """Give a note."""
    return answer_conditionally(answer_note(current_caller(), note_id))


@blueprint.patch("/<int:note_id>")
def change(note_id: int) -> Response:
    """Change what is named in the body, if the note is still as it was read."""
    caller = require_caller(Scope.NOTES)
    changes = read_body(NoteChanges)
    given = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }
    flags = {name: given.pop(name) for name in ("pinned", "archived") if name in given}

    def act(transaction: Session, actor: Actor, note: Note) -> None:
        edition = require_edition(note)
        fields = check_fields(replace(fields_of(note), **given))
        require_packages(caller, fields.package)
        if given:
            edit_note(transaction, actor, caller.user, note, fields, edition=edition)
        if flags:
            set_flags(transaction, caller.user, note, **flags)

    change_note(caller, note_id, act)
    return answer_note(caller, note_id)


@blueprint.delete("/<int:note_id>")
def delete(note_id: int) -> Response:
    """Put a note into its author's bin."""
    caller = require_caller(Scope.NOTES)

    def act(transaction: Session, actor: Actor, note: Note) -> None:
        check_edition(lock_note(transaction, caller.user, note))
        delete_note(transaction, actor, caller.user, note)

    change_note(caller, note_id, act)
    return Response(status=204)


@blueprint.post("/<int:note_id>/restore")
def restore(note_id: int) -> Response:
    """Take a note of one's own out of the bin."""
    caller = require_caller(Scope.NOTES)
    actor = caller.actor(request.remote_addr)
    with write_transaction(session()) as transaction:
        confirm_caller(transaction, caller)
        note = get_deleted_note(transaction, caller.user, note_id)
        require_packages(caller, note.package_id)
        restore_note(transaction, actor, caller.user, note_id)
    return answer_note(caller, note_id)


@blueprint.post("/<int:note_id>/lift")
def lift(note_id: int) -> Response:
    """End what a note does."""
    caller = require_caller(Scope.NOTES)

    def act(transaction: Session, actor: Actor, note: Note) -> None:
        check_edition(lock_note(transaction, caller.user, note))
        lift_act(transaction, actor, caller.user, note)

    change_note(caller, note_id, act)
    return answer_note(caller, note_id)


@blueprint.post("/<int:note_id>/resume")
def resume(note_id: int) -> Response:
    """Let a note that was lifted act again."""
    caller = require_caller(Scope.NOTES)

    def act(transaction: Session, actor: Actor, note: Note) -> None:
        check_edition(lock_note(transaction, caller.user, note))
        resume_act(transaction, actor, caller.user, note)

    change_note(caller, note_id, act)
    return answer_note(caller, note_id)


@blueprint.get("/<int:note_id>/revisions")
def revisions(note_id: int) -> Response:
    """List what was saved of a note, the newest first."""
    reader = reader_of(current_caller())
    note = get_readable(session(), reader, note_id)
    found = readable_revisions(session(), reader, note)
    return answer(RevisionList([revision_document(one) for one in found]))


@blueprint.get("/<int:note_id>/revisions/<int:number>")
def revision(note_id: int, number: int) -> Response:
    """Give a note as it was saved once."""
    reader = reader_of(current_caller())
    note = get_readable(session(), reader, note_id)
    for one in readable_revisions(session(), reader, note):
        if one.number == number:
            return answer(revision_document(one))
    raise UnknownRevisionError(note_id, number)
