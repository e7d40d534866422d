"""The mirror for all who read the index: upstreams, rules, exceptions, and asking for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, current_user, require_user
from packslip.accounts.models import User
from packslip.accounts.readers import guard_pages
from packslip.errors import InvalidError
from packslip.mirror.alarm_models import MirrorAlarm
from packslip.mirror.alarm_words import names_of, text_of, title_of
from packslip.mirror.alarms import open_alarms
from packslip.mirror.explanations import withheld_releases
from packslip.mirror.rule_models import MirrorRule
from packslip.mirror.rule_operations import (
    RuleNotAllowedError,
    add_rule,
    may_change_rules,
    remove_rule,
)
from packslip.mirror.rule_queries import UnknownRuleError, get_rule_row, list_rule_rows, rule_of
from packslip.mirror.rule_words import describe
from packslip.mirror.rules import Kind, is_in_force
from packslip.mirror.upstream_states import upstream_states
from packslip.notes.models import Note
from packslip.packages.heads import read_head
from packslip.packages.models import Origin
from packslip.packages.version_ranges import covers
from packslip.site import exceptions
from packslip.site.alarm_notes import may_look_into
from packslip.site.mirror_forms import (
    DAYS,
    ApproveForm,
    AskForm,
    DeclineForm,
    NewExceptionForm,
)
from packslip.web.context import current_settings
from packslip.web.forms import is_sent, read_form

blueprint = Blueprint("mirror", __name__, template_folder="../templates", url_prefix="/mirror")
guard_pages(blueprint)

#: Decisions on the page.
_DECISIONS = 10

#: Releases that are told to whoever decides.
_RELEASES = 20


@blueprint.get("/")
def index() -> str:
    """Show what is mirrored, and by which rules."""
    session, user, now = db.session(), current_user(), datetime.now(UTC)
    rows = list_rule_rows(session)
    made = [row for row in rows if row.kind == Kind.EXCEPTION]
    return render_template(
        "site/mirror.html",
        upstreams=upstream_states(session, current_settings(), now),
        rules=[(row, describe(rule_of(row))) for row in rows if row.kind != Kind.EXCEPTION],
        exceptions=[
            (row, describe(rule_of(row)), is_in_force(rule_of(row), now)) for row in reversed(made)
        ],
        titles=exceptions.titles_of(session, user, made),
        requests=exceptions.list_requests(session, user) if user else (),
        decisions=exceptions.decisions(session, _DECISIONS) if user else (),
        decides=may_change_rules(user, Kind.EXCEPTION),
        alarms=[(one, title_of(one), text_of(one), names_of(one)) for one in _alarms(user)],
    )


@blueprint.route("/ask/<name>", methods=["GET", "POST"])
def ask(name: str) -> ResponseReturnValue:
    """Ask for an exception for a package."""
    user, name = require_user(), canonicalize_name(name)
    session, now = db.session(), datetime.now(UTC)
    head = read_head(session, user, name)
    if head.package.origin != Origin.MIRRORED:
        raise exceptions.NotMirroredError(head.package.id)
    version = request.args.get("version", "")[:200]
    form = read_form(AskForm, version_range=f"=={version}" if version else "")
    if is_sent(form):
        actor = current_actor()
        try:
            with db.write_transaction(session):
                confirm_login(session)
                note = exceptions.ask_exception(
                    session,
                    actor,
                    user,
                    name,
                    versions=form.version_range.data,
                    why=form.why.data or "",
                )
                note_id = note.id
        except InvalidError as error:
            form.fail(error)
        else:
            flash("You have asked for an exception. Curators see it on the page of the mirror.")
            return redirect(url_for("notes.view", note_id=note_id), code=303)
    page = render_template(
        "site/mirror_ask.html",
        head=head,
        form=form,
        withheld=withheld_releases(session, name, now),
        requests=exceptions.list_requests(session, user, name),
    )
    return page, 400 if request.method == "POST" else 200


@blueprint.get("/requests/<int:note_id>")
def decide(note_id: int) -> ResponseReturnValue:
    """Show what a note asks for, to be decided on."""
    note = _request(note_id)
    return _decision_page(note, _approve_form(note), DeclineForm(edition=note.edition))


@blueprint.post("/requests/<int:note_id>/approve")
def approve(note_id: int) -> ResponseReturnValue:
    """Make the exception that a note asks for."""
    note, user, actor = _request(note_id), require_user(), current_actor()
    form = read_form(ApproveForm)
    if is_sent(form):
        try:
            with db.write_transaction(db.session()) as session:
                confirm_login(session)
                rule = exceptions.approve(
                    session,
                    actor,
                    user,
                    note_id,
                    edition=_number(form.edition.data),
                    versions=form.version_range.data,
                    days=form.days.data or 0,
                    lifts_deny=bool(form.lifts_deny.data),
                )
                said = describe(rule_of(rule))
        except InvalidError as error:
            form.fail(error)
        else:
            flash(f"The exception is made: {said}")
            return redirect(url_for(".index"), code=303)
    note = _request(note_id)
    return _decision_page(note, form, DeclineForm(edition=note.edition)), 400


@blueprint.post("/requests/<int:note_id>/decline")
def decline(note_id: int) -> ResponseReturnValue:
    """Make no exception, and say why."""
    note, user, actor = _request(note_id), require_user(), current_actor()
    form = read_form(DeclineForm)
    if is_sent(form):
        try:
            with db.write_transaction(db.session()) as session:
                confirm_login(session)
                exceptions.decline(
                    session,
                    actor,
                    user,
                    note_id,
                    edition=_number(form.edition.data),
                    why=form.why.data or "",
                )
        except InvalidError as error:
            form.fail(error)
        else:
            flash("The request is declined, with a comment on its note.")
            return redirect(url_for(".index"), code=303)
    note = _request(note_id)
    return _decision_page(note, _approve_form(note), form), 400


@blueprint.route("/exceptions/new", methods=["GET", "POST"])
def new_exception() -> ResponseReturnValue:
    """Make an exception that nobody asked for."""
    user = _require_curator()
    form = read_form(NewExceptionForm, days=DAYS)
    if is_sent(form):
        actor = current_actor()
        try:
            with db.write_transaction(db.session()) as session:
                confirm_login(session)
                add_rule(session, actor, user, form.rule())
        except InvalidError as error:
            form.fail(error)
        else:
            flash("The exception is made.")
            return redirect(url_for(".index"), code=303)
    page = render_template("site/mirror_exception.html", form=form)
    return page, 400 if request.method == "POST" else 200


@blueprint.route("/exceptions/<int:rule_id>/end", methods=["GET", "POST"])
def end_exception(rule_id: int) -> ResponseReturnValue:
    """End an exception, once it is confirmed."""
    user, actor = _require_curator(), current_actor()
    if request.method == "GET":
        row = _exception(db.session(), rule_id)
        return render_template("site/mirror_end.html", row=row, text=describe(rule_of(row)))
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        _exception(session, rule_id)
        remove_rule(session, actor, user, rule_id)
    flash("The exception is ended.")
    return redirect(url_for(".index"), code=303)


def _alarms(user: User | None) -> Sequence[MirrorAlarm]:
    return open_alarms(db.session()) if may_look_into(user) else ()


def _require_curator() -> User:
    user = require_user()
    if not may_change_rules(user, Kind.EXCEPTION):
        raise RuleNotAllowedError(Kind.EXCEPTION)
    return user


def _request(note_id: int) -> Note:
    return exceptions.get_request(db.session(), _require_curator(), note_id)


def _exception(session: Session, rule_id: int) -> MirrorRule:
    row = get_rule_row(session, rule_id)
    if row.kind != Kind.EXCEPTION:
        raise UnknownRuleError(rule_id)
    return row


def _approve_form(note: Note) -> ApproveForm:
    values = {"version_range": note.version_range or "", "days": DAYS, "edition": note.edition}
    return ApproveForm(data=values)


def _decision_page(note: Note, approval: ApproveForm, refusal: DeclineForm) -> str:
    found = withheld_releases(db.session(), note.package_id or "", datetime.now(UTC))
    return render_template(
        "site/mirror_request.html",
        note=note,
        approval=approval,
        refusal=refusal,
        withheld=[one for one in found if covers(note.version_range, one.version)][:_RELEASES],
    )


def _number(text: str | None) -> int:
    """The number of an edition; what is none is never that of a note."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
