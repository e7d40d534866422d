"""How requests to `/api/v1/notes` are carried out and answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Response, request
from sqlalchemy.orm import Session

from packslip.accounts.callers import confirm_caller, require_packages
from packslip.accounts.identity import Identity
from packslip.db import session, write_transaction
from packslip.events.operations import Actor
from packslip.notes.documents import note_document
from packslip.notes.errors import EditConflictError
from packslip.notes.expiry import lift_expired_of
from packslip.notes.finding import tags_of
from packslip.notes.models import Note
from packslip.notes.readers import get_readable, reader_of
from packslip.notes.routes.api_requests import StaleEditionError, etag_of
from packslip.web.conditional import vary_by_reader
from packslip.web.urls import base_url

#: What is done to a note within a write transaction.
Change = Callable[[Session, Actor, Note], Any]


def answer(document: Any, status: int = 200) -> Response:
    """The document as JSON, for nobody but who asked."""
    body = msgspec.json.encode(document)
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    vary_by_reader(response, True)
    response.vary.add("Cookie")
    return response


def answer_note(caller: Identity | None, note_id: int, status: int = 200) -> Response:
    """The note as it is now, with its ETag.

    Raises:
        UnknownNoteError: there is none for this person.
    """
    note = get_readable(session(), reader_of(caller), note_id)
    tags = tags_of(session(), [note.id]).get(note.id, ())
    user = None if caller is None else caller.user
    response = answer(note_document(note, tags, user, base_url()), status)
    response.set_etag(etag_of(note))
    return response


def change_note(caller: Identity, note_id: int, change: Change) -> Any:
    """Carry out a change of a note that the caller may see, and give what `change` gives.

    Raises:
        UnknownNoteError: there is none for this person.
        PackageNeededError, TokenPackagesError: it is none of those that the token is for.
        StaleEditionError: it was changed by somebody else meanwhile.
    """
    package_id = get_readable(session(), reader_of(caller), note_id).package_id
    if package_id is not None:
        lift_expired_of(session(), package_id)
    try:
        with write_transaction(session()) as transaction:
            confirm_caller(transaction, caller)
            note = get_readable(transaction, reader_of(caller), note_id)
            require_packages(caller, note.package_id)
            return change(transaction, caller.actor(request.remote_addr), note)
    except EditConflictError as error:
        raise StaleEditionError(error.note) from None
