"""Changes to notes. What notes do to packages is in `packslip.notes.acts`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.notes.access import (
    require_act,
    require_author,
    require_editor,
    require_member,
)
from packslip.notes.acts import lock_note, settle, state_of
from packslip.notes.errors import (
    EditConflictError,
    NotAuthorError,
    NoteFieldError,
    StillActingError,
    UnknownNoteError,
)
from packslip.notes.fields import NoteFields, check_act, check_fields, fields_of
from packslip.notes.markup import names_in
from packslip.notes.models import (
    Note,
    NoteDraft,
    NoteLink,
    NoteRevision,
    NoteTag,
    Visibility,
)
from packslip.notes.queries import get_deleted_note, get_revision
from packslip.notes.word_index import index_note
from packslip.packages.models import Act, Package
from packslip.packages.operations import touch

#: How long a deleted note can be taken back.
BIN_TIME = timedelta(days=30)

#: What is told of a note in events, but never of a private one.
_TOLD = ("title", "visibility", "package_id", "version_range", "act")


def create_note(
    session: Session, actor: Actor, author: User, fields: NoteFields, *, operator: bool = False
) -> Note:
    """Write a note. If it acts, it does so from then on.

    With `operator` the index's operator does it in the author's name, and needs no rights.

    Raises:
        NoteFieldError: something in the fields will not do.
        ActNotAllowedError: the author may not do such an act.
        DisabledError: the author can do nothing any more.
    """
    fields = check_fields(fields)
    check_act(fields)
    package = _lock_package(session, fields)
    if not operator:
        require_member(session, author)
        if package is not None:
            require_act(session, author, package, fields.act)
    note = Note(author=author, edition=1)
    _fill(note, fields)
    session.add(note)
    _keep(session, note, author)
    if note.visibility != Visibility.PRIVATE:
        _tell(session, actor, Action.NOTE_CREATE, note)
    settle(session, actor, note, None, username=author.username)
    return note


def edit_note(
    session: Session,
    actor: Actor,
    user: User | None,
    note: Note,
    fields: NoteFields,
    *,
    edition: int,
) -> Note:
    """Save a note, whose text began from that edition. When nothing differs, nothing happens.

    A note that was lifted stays so while its act is the same; another act begins at once.
    `Act.NONE` ends what it does. Without a user it is the command line, which needs no rights.

    Raises:
        UnknownNoteError: there is no such note for this person.
        NotAuthorError: this person may read it, but not do this.
        EditConflictError: it was saved meanwhile; the error carries it as it is.
        NoteFieldError: something in the fields will not do.
        StillActingError: it acts, and would be hidden, or taken from its package.
        ActNotAllowedError: what acts would change, and this person may not do such an act.
    """
    fields = check_fields(fields)
    note = lock_note(session, user, note, fields.package)
    if user is not None:
        require_editor(session, user, note)
    if note.edition != edition:
        raise EditConflictError(note, edition)
    old = fields_of(note)
    if fields == old:
        return note
    _lock_package(session, fields)
    before = state_of(note)
    _allow_change(session, user, note, old, fields)
    old_data = _data(note)
    was = (note.visibility, note.package_id)
    if fields.act != old.act:
        note.lifted_at = note.lifted_by = None
    if note.lifted_at is None:
        check_act(fields)
    _fill(note, fields)
    note.edition += 1
    _keep(session, note, user)
    _tell_edit(session, actor, note, was, old_data)
    settle(session, actor, note, before, username=(user or note.author).username)
    return note


def restore_revision(
    session: Session, actor: Actor, user: User, note: Note, number: int, *, edition: int
) -> Note:
    """Save a note with the title and body that it had in a revision that the user may see.

    Raises:
        UnknownRevisionError: there is none.
        Exception: as `edit_note`.
    """
    revision = get_revision(session, user, note, number)
    fields = replace(fields_of(note), title=revision.title, body=revision.body)
    return edit_note(session, actor, user, note, fields, edition=edition)


def set_flags(
    session: Session,
    user: User,
    note: Note,
    *,
    pinned: bool | None = None,
    archived: bool | None = None,
) -> Note:
    """Pin or archive a note in its author's lists, or take that back. It is no save of it.

    Raises:
        UnknownNoteError: there is no such note for this person.
        NotAuthorError: somebody else wrote it.
    """
    note = lock_note(session, user, note)
    require_author(session, user, note)
    note.pinned = note.pinned if pinned is None else pinned
    note.archived = note.archived if archived is None else archived
    session.flush()
    return note


def delete_note(session: Session, actor: Actor, user: User, note: Note) -> Note:
    """Put a note into its author's bin. After 30 days it is gone for good.

    Raises:
        UnknownNoteError: there is no such note for this person.
        NotAuthorError: somebody else wrote it.
        StillActingError: it acts.
    """
    note = lock_note(session, user, note)
    require_author(session, user, note)
    if note.is_acting:
        raise StillActingError(note, "deleted")
    note.deleted_at = datetime.now(UTC)
    if note.visibility != Visibility.PRIVATE:
        _tell(session, actor, Action.NOTE_DELETE, note)
    session.flush()
    return note


def restore_note(session: Session, actor: Actor, user: User, note_id: int) -> Note:
    """Take a note out of its author's bin.

    Raises:
        UnknownNoteError: there is no such note in this person's bin.
    """
    require_member(session, user)
    note = get_deleted_note(session, user, note_id)
    if note.package_id is not None:
        session.get(Package, note.package_id, with_for_update=True)
    found = session.get(Note, note_id, with_for_update=True)
    if found is None or found.deleted_at is None:
        raise UnknownNoteError(note_id)
    note.deleted_at = None
    if note.visibility != Visibility.PRIVATE:
        _tell(session, actor, Action.NOTE_RESTORE, note)
    session.flush()
    return note


def purge_deleted(session: Session, now: datetime) -> int:
    """Remove for good what has been in bins for long, and give how many notes those were."""
    old = select(Note.id).where(Note.deleted_at <= now - BIN_TIME)
    ids = session.scalars(old.with_for_update(skip_locked=True)).all()
    if ids:
        # Numbers do not come again, so a draft of one would be of no note.
        session.execute(delete(NoteDraft).where(NoteDraft.key.in_([str(one) for one in ids])))
        session.execute(delete(Note).where(Note.id.in_(ids)))
    return len(ids)


def _lock_package(session: Session, fields: NoteFields) -> Package | None:
    if fields.package is None:
        return None
    package = session.get(Package, fields.package, with_for_update=True)
    if package is None:
        raise NoteFieldError("package", f"There is no package {fields.package!r}.")
    return package


def _allow_change(
    session: Session, user: User | None, note: Note, old: NoteFields, new: NoteFields
) -> None:
    if note.is_acting:
        if new.package != old.package:
            raise StillActingError(note, "taken from its package", "package")
        if new.visibility == Visibility.PRIVATE:
            raise StillActingError(note, "made private", "visibility")
    if user is None:
        return
    if new.visibility != old.visibility and user.id != note.user_id:
        # Who may change an act shows nobody else's text to more people.
        raise NotAuthorError(note.id)
    begins = new.act not in {Act.NONE, old.act}
    if not (note.is_acting or begins) or _acts_alike(old, new):
        return
    package = session.get_one(Package, new.package or old.package)
    for act in {old.act if note.is_acting else new.act, new.act}:
        require_act(session, user, package, act)


def _acts_alike(old: NoteFields, new: NoteFields) -> bool:
    """Whether the saved note does just what it did, and with the same words."""
    return replace(old, body=new.body, review_at=new.review_at) == new


def _fill(note: Note, fields: NoteFields) -> None:
    note.title = fields.title
    note.body = fields.body
    note.visibility = fields.visibility
    note.package_id = fields.package
    note.version_range = fields.version_range
    note.act = fields.act
    note.fixed_in = fields.fixed_in
    note.review_at = fields.review_at
    note.expires_at = fields.expires_at


def _keep(session: Session, note: Note, user: User | None) -> None:
    """Keep the save as a revision, and what the text names."""
    session.flush()
    session.expire(note, ["package"])
    session.add(
        NoteRevision(
            note_id=note.id,
            number=note.edition,
            user=user,
            title=note.title,
            body=note.body,
            visibility=note.visibility,
            package_id=note.package_id,
            version_range=note.version_range,
            act=note.act,
        )
    )
    names = names_in(note.body)
    for model in (NoteTag, NoteLink):
        session.execute(delete(model).where(model.note_id == note.id))
    session.add_all(NoteTag(note_id=note.id, tag=tag) for tag in names.tags)
    session.add_all(NoteLink(note_id=note.id, package_id=name) for name in names.packages)
    index_note(session, note)
    session.flush()


def _data(note: Note) -> dict[str, Any]:
    return {name: getattr(note, name) for name in _TOLD}


def _tell(session: Session, actor: Actor, action: Action, note: Note, **changes: Any) -> None:
    """Record what happened to a note that others see, or saw until now.

    The index tells of the notes on a package, so its serial moves.
    """
    data = {"note_id": note.id, "title": note.title, **changes}
    if action == Action.NOTE_HIDE:
        del data["title"]
    event = record(session, actor, action, package_id=note.package_id, data=data)
    if note.package_id is not None:
        touch(session, session.get_one(Package, note.package_id), event)


def _tell_edit(
    session: Session,
    actor: Actor,
    note: Note,
    was: tuple[str, str | None],
    before: dict[str, Any],
) -> None:
    visibility, package_id = was
    if Visibility.PRIVATE == visibility == note.visibility:
        return
    changes: dict[str, Any] = {}
    if note.visibility == Visibility.PRIVATE:
        action = Action.NOTE_HIDE
    elif visibility == Visibility.PRIVATE:
        action = Action.NOTE_SHARE
    else:
        action, changes = Action.NOTE_EDIT, {"before": before, "after": _data(note)}
    if visibility != Visibility.PRIVATE and package_id not in {None, note.package_id}:
        data = {"note_id": note.id, "title": before["title"]}
        gone = record(session, actor, Action.NOTE_EDIT, package_id=package_id, data=data)
        touch(session, session.get_one(Package, package_id), gone)
    _tell(session, actor, action, note, **changes)
