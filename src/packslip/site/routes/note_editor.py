"""The editor: a new note, a change of one, its preview, and what was typed and not saved."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug import Response

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.models import User
from packslip.errors import ConflictError, InvalidError, NotAllowedError, NotFoundError
from packslip.events.operations import Actor
from packslip.notes import access, drafts, operations, queries
from packslip.notes.conflicts import conflict_with
from packslip.notes.fields import NoteFields, fields_of
from packslip.notes.forms import NoteForm, act_choices, fields_from, say_choices, values_of
from packslip.notes.mentions import find_in
from packslip.notes.models import Note, Visibility
from packslip.notes.rehearsal import Rehearsed, rehearse
from packslip.notes.rendering import render_note
from packslip.notes.routes.shared import SAVED, read_note
from packslip.packages.models import Act, Package
from packslip.packages.queries import UnknownPackageError, get_package
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.site.act_pages import page_of
from packslip.web.forms import is_sent, read_form

blueprint = Blueprint("note_editor", __name__, template_folder="../templates", url_prefix="/notes")
guard_users(blueprint)

#: A page or redirect, perhaps with a status.
Answer = str | Response | tuple[str, int]

#: Names that are offered for the package.
_OFFERED = 500


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """Write a note. The address may say about what: `?package=`, `versions=`, `act=`, `title=`."""
    asked: dict[str, Any] = {name: request.args.get(name) for name in ("package", "title")}
    asked["version_range"] = request.args.get("versions") or request.args.get("version_range")
    act = request.args.get("act", "")
    acts = act in set(Act) - {Act.NONE}
    asked["act"] = act if acts else Act.NONE.value
    asked["visibility"] = (Visibility.TEAM if acts else Visibility.PRIVATE).value
    return _edit(None, asked)


@blueprint.route("/<int:note_id>/edit", methods=["GET", "POST"])
def edit(note_id: int) -> Answer:
    """Change a note."""
    note = read_note(note_id)
    access.require_editor(db.session(), require_user(), note)
    return _edit(note, values_of(note))


@blueprint.post("/preview")
def preview() -> str:
    """Render what the form holds."""
    form = read_form(NoteForm)
    rendered = render_note(form.body.data or "", find_in(db.session(), require_user()))
    return render_template("notes/preview.html", preview=rendered)


@blueprint.post("/acts")
def acts() -> str:
    """What the note may do on the package that the form names, as the editor shows it."""
    form = read_form(NoteForm)
    choices = act_choices(db.session(), require_user(), _package_of(form))
    return render_template("notes/act_choices.html", form=form, choices=choices)


@blueprint.post("/drafts")
def keep_draft() -> tuple[str, int]:
    """Keep what the form holds as a draft."""
    form, user, key = read_form(NoteForm), require_user(), _key()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        drafts.keep_draft(session, user, key, {field.name: field.data for field in form})
    return "", 204


@blueprint.post("/drafts/drop")
def drop_draft() -> Response:
    """Drop the draft."""
    user, key = require_user(), _key()
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        drafts.drop_draft(session, user, key)
    flash("The draft is dropped.")
    note_id = None if key == drafts.NEW else int(key)
    address = url_for(".new") if note_id is None else url_for(".edit", note_id=note_id)
    return redirect(address, code=303)


def _key() -> str:
    """Whose draft the form is about: of a note that the user may edit, or of a new one."""
    sent = request.form.get("note", "")
    if not sent.isascii() or not sent.isdigit():
        return drafts.NEW
    note = read_note(int(sent))
    access.require_editor(db.session(), require_user(), note)
    return str(note.id)


def _edit(note: Note | None, values: dict[str, Any]) -> Answer:
    """Show the editor, or do what its form asks for."""
    user = require_user()
    if request.method == "GET":
        return _open(user, note, values)
    form = read_form(NoteForm)
    say_choices(form)
    do = request.form.get("do")
    if do in {"preview", "edit"}:
        return _page(user, note, form, unsaved=True, show_preview=do == "preview")
    if not is_sent(form):
        return _page(user, note, form, unsaved=True), 400
    return _send(user, note, form, confirmed=do == "act")


def _send(user: User, note: Note | None, form: NoteForm, *, confirmed: bool) -> Answer:
    """Save what the form holds; if it changes what acts, only when that was confirmed."""
    actor, note_id = current_actor(), None if note is None else note.id
    try:
        if not confirmed and (rehearsed := _rehearse(user, actor, note_id, form)):
            return _confirm(user, note_id, form, rehearsed)
        saved_id = _save(user, actor, note_id, form)
    except ConflictError:
        return _conflict(user, note, form), 409
    except (InvalidError, NotAllowedError, NotFoundError) as error:
        form.fail(error)
        return _page(user, _again(note), form, unsaved=True), 400
    cookie[SAVED] = drafts.key_of(note)
    flash("The note is saved.")
    return redirect(url_for("notes.view", note_id=saved_id), code=303)


def _open(user: User, note: Note | None, values: dict[str, Any]) -> str:
    draft = drafts.find_draft(db.session(), user, drafts.key_of(note))
    if draft is None or drafts.says_the_same(draft, values):
        return _page(user, note, _form(values))
    if "draft" in request.args:
        form = _form({**values, **drafts.values_of(draft)})
        return _page(user, note, form, unsaved=True)
    return _page(user, note, _form(values), draft=draft)


def _form(values: dict[str, Any]) -> NoteForm:
    form = NoteForm(data=values)
    say_choices(form)
    return form


def _write(session: Session, user: User, actor: Actor, note_id: int | None, form: NoteForm) -> Note:
    if note_id is None:
        return operations.create_note(session, actor, user, fields_from(form, NoteFields()))
    note = queries.get_note(session, user, note_id)
    fields = fields_from(form, fields_of(note))
    return operations.edit_note(session, actor, user, note, fields, edition=_edition(form))


def _rehearse(user: User, actor: Actor, note_id: int | None, form: NoteForm) -> Rehearsed | None:
    """What saving would change of what the note does; None when it would change nothing."""
    session = db.session()
    if note_id is None and (form.act.data or Act.NONE) == Act.NONE:
        return None

    def change() -> Note:
        confirm_login(session)
        return _write(session, user, actor, note_id, form)

    return rehearse(session, note_id, change)


def _confirm(user: User, note_id: int | None, form: NoteForm, rehearsed: Rehearsed) -> str:
    note = None if note_id is None else read_note(note_id)
    return render_template(
        "site/act_confirm.html",
        note=note,
        form=form,
        action=request.path,
        **page_of(db.session(), user, rehearsed),
    )


def _save(user: User, actor: Actor, note_id: int | None, form: NoteForm) -> int:
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        note = _write(session, user, actor, note_id, form)
        drafts.drop_draft(session, user, drafts.NEW if note_id is None else str(note_id))
        return note.id


def _conflict(user: User, old: Note | None, form: NoteForm) -> str:
    assert old is not None
    session = db.session()
    note = read_note(old.id)
    newest = queries.get_revision(session, user, note, note.edition)
    yours = {field.name: field.data for field in form}
    # Whoever has read both may save: the next form begins from what is there now.
    form.edition.process_data(str(note.edition))
    conflict = conflict_with(note, newest, yours)
    return _page(user, note, form, unsaved=True, conflict=conflict)


def _page(user: User, note: Note | None, form: NoteForm, **more: Any) -> str:
    session = db.session()
    show_preview = more.pop("show_preview", False)
    find = find_in(session, user)
    choices = act_choices(session, user, _package_of(form))
    return render_template(
        "notes/edit.html",
        choices=choices,
        heading="New note" if note is None else "Edit the note",
        me=user,
        note=note,
        form=form,
        action=request.path,
        draft_key=drafts.key_of(note),
        draft_address=f"{request.path}?draft=1",
        packages=_package_names(session),
        preview=render_note(form.body.data or "", find) if show_preview else None,
        **more,
    )


def _again(note: Note | None) -> Note | None:
    """The note as it is now, after a transaction that was given up."""
    return None if note is None else read_note(note.id)


def _edition(form: NoteForm) -> int:
    sent = form.edition.data or ""
    # Without one it is taken for older than all.
    return int(sent[:9]) if sent.isascii() and sent.isdigit() else 0


def _package_of(form: NoteForm) -> Package | None:
    """The package that the form names, if there is one."""
    try:
        name = normalize_name((form.package.data or "").strip())
        return get_package(db.session(), name, without_texts=True)
    except (InvalidPackageNameError, UnknownPackageError):
        return None


def _package_names(session: Session) -> list[str]:
    names = select(Package.name).order_by(Package.serial.desc()).limit(_OFFERED)
    return list(session.scalars(names))
