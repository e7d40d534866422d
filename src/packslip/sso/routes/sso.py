"""Logging in through the provider, and linking an account with what it knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts import throttle
from packslip.accounts.current import (
    confirm_login,
    current_actor,
    current_login,
    current_user,
    keep_private,
    require_user,
)
from packslip.accounts.factor_forms import PasswordForm
from packslip.accounts.freshness import WrongPasswordError, is_fresh, prove
from packslip.accounts.local_login import require_local_login
from packslip.accounts.login_flow import SINGLE_SIGN_ON, after_proof
from packslip.accounts.models import User
from packslip.errors import (
    InvalidError,
    NotAllowedError,
    PackslipError,
    TooOftenError,
    UnavailableError,
)
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.setting_choices import SsoSecondFactor
from packslip.sso import operations
from packslip.sso.asking import recall, remember
from packslip.sso.claims import Person, UnknownGroupsError, read_person
from packslip.sso.current import current_provider
from packslip.sso.errors import NoAccountError, ProviderUnavailableError, RefusedAnswerError
from packslip.sso.queries import find_identity_of, list_grants
from packslip.web.context import current_settings
from packslip.web.forms import is_sent, read_form
from packslip.web.next_page import go_next, safe_next
from packslip.web.urls import base_url

blueprint = Blueprint("sso", __name__, template_folder="../templates")
blueprint.after_request(keep_private)

log = structlog.get_logger(__name__)


class ProofNeededError(NotAllowedError):
    """It is too long ago that the user proved who they are."""

    def __init__(self) -> None:
        super().__init__("Load this page anew and enter your password first.")


@blueprint.get("/account/login/sso")
def begin() -> Response:
    """Send the browser to the provider."""
    current_provider()
    if current_user() is not None:
        return go_next("/")
    goal = safe_next("")
    try:
        _require_turn()
        return redirect(_address_to_ask(goal), code=303)
    except (ProviderUnavailableError, TooOftenError) as error:
        _note_failure(error)
        flash(error.reason, "error")
        return redirect(url_for("login.log_in", next=goal or None), code=303)


@blueprint.get("/account/login/sso/callback")
def callback() -> Response:
    """Take the provider's answer."""
    provider = current_provider()
    asking = recall(request.args.get("state", ""))
    if asking is None:
        flash("That log-in took too long, or was used already. Try again.", "error")
        return redirect(url_for("login.log_in"), code=303)
    back = url_for("login.log_in", next=asking.goal or None)
    if asking.link_to is not None:
        back = url_for(".index")
    try:
        _require_turn()
        provider.require_own_answer(request.args.get("iss"))
        code = request.args.get("code", "")
        if not code or "error" in request.args:
            raise RefusedAnswerError(provider.name, "the provider refuses")
        claims = provider.claims(code, asking.asked, _redirect_uri())
        person = _read(claims)
        if asking.link_to is not None:
            return _link(person, asking.link_to)
        return _log_in(person, asking.goal)
    except (
        NotAllowedError,
        UnavailableError,
        InvalidError,
        throttle.TooManyFailuresError,
    ) as error:
        _note_failure(error)
        flash(error.reason, "error")
        return redirect(back, code=303)


@blueprint.get("/account/login/sso/leave")
def leave() -> Response:
    """Send the browser on to log out of the provider too (RP-Initiated Logout 1.0)."""
    page = url_for("login.log_in")
    try:
        address = current_provider().address_to_leave(f"{base_url()}{page}")
    except ProviderUnavailableError as error:
        flash(error.reason, "error")
        return redirect(page, code=303)
    if address is None:
        flash(f"{current_provider().name} offers no log-out to others. Log out there.", "error")
        return redirect(page, code=303)
    return redirect(address, code=303)


@blueprint.get("/account/single-sign-on/")
def index() -> str | Response:
    """Whom the provider knows the user as."""
    return _page(require_user())


@blueprint.post("/account/single-sign-on/password")
def give_password() -> Response | tuple[str, int]:
    """Show that it is still the same person."""
    user = require_user()
    form = read_form(PasswordForm)
    if not is_sent(form):
        return _page(user, form), 400
    try:
        prove(user, form.password.data or "")
    except WrongPasswordError as error:
        form.fail(error)
        return _page(user, form), 403
    return redirect(url_for(".index"), code=303)


@blueprint.post("/account/single-sign-on/link")
def link() -> str | Response:
    """Lead to the provider, whose answer is linked with the account."""
    require_user()
    provider = current_provider()
    login = current_login()
    if login is None or not is_fresh():
        raise ProofNeededError
    try:
        address = _address_to_ask("", login.id)
    except ProviderUnavailableError as error:
        flash(error.reason, "error")
        return redirect(url_for(".index"), code=303)
    # A form may not lead to another site, a page may.
    return render_template("sso/go_on.html", address=address, name=provider.name)


@blueprint.post("/account/single-sign-on/unlink")
def unlink() -> Response:
    """Let nobody log in through the provider to this account any more."""
    user, actor = require_user(), current_actor()
    issuer = current_provider().issuer
    if not is_fresh():
        raise ProofNeededError
    require_local_login(user)
    try:
        with db.write_transaction(db.session()) as session:
            confirm_login(session)
            operations.unlink(session, actor, user, issuer)
    except InvalidError as error:
        flash(error.reason, "error")
    else:
        flash("Your account is linked no more.")
    return redirect(url_for(".index"), code=303)


def _log_in(person: Person, goal: str) -> Response:
    settings = current_settings()
    with db.write_transaction(db.session()) as session:
        user = operations.let_in(session, settings, person, request.remote_addr)
    wanted = settings.sso_second_factor
    needed = wanted is SsoSecondFactor.OWN or (
        wanted is SsoSecondFactor.AMR and not person.has_several_factors
    )
    return after_proof(user, SINGLE_SIGN_ON, goal, needs_second_factor=needed)


def _link(person: Person, login_id: int) -> Response:
    login = current_login()
    if login is None or login.id != login_id:
        # Whoever began this is not the one who is here now.
        raise RefusedAnswerError(current_provider().name, "the session is another one by now")
    actor = current_actor()
    with db.write_transaction(db.session()) as session:
        user = confirm_login(session).user
        operations.link(session, actor, user, person, current_provider().name)
    flash(f"You can log in through {current_provider().name} from now on.")
    return redirect(url_for(".index"), code=303)


def _read(claims: Mapping[str, Any]) -> Person:
    try:
        return read_person(claims, current_settings().sso_groups_claim)
    except UnknownGroupsError as error:
        raise RefusedAnswerError(current_provider().name, str(error)) from error


def _address_to_ask(goal: str, link_to: int | None = None) -> str:
    provider = current_provider()
    # What cannot be asked is not remembered.
    provider.require_answering()
    return provider.address_to_ask(remember(goal, link_to), _redirect_uri())


def _redirect_uri() -> str:
    return f"{base_url()}{url_for('.callback')}"


def _attempt() -> throttle.Attempt:
    # All log-ins through the provider from one network count as one account; no username, and
    # no e-mail address, holds a space.
    return throttle.attempt_by(f"single sign-on {request.remote_addr}", request.remote_addr)


def _require_turn() -> None:
    throttle.require_turn(db.session(), _attempt())
    db.session().rollback()


def _note_failure(error: PackslipError) -> None:
    """Count what may have been an attempt to pass for somebody, and say why it failed."""
    cause = getattr(error, "cause", type(error).__name__)
    log.warning("a log-in through the provider failed", cause=cause)
    if not isinstance(error, RefusedAnswerError | NoAccountError):
        return
    db.session().rollback()
    with db.write_transaction(db.session()) as session:
        throttle.count_failure(session, _attempt())
        data = {"method": SINGLE_SIGN_ON, "reason": cause}
        actor = Actor("not logged in", ip_address=request.remote_addr)
        record(session, actor, Action.USER_LOG_IN_FAIL, data=data)


def _page(user: User, form: PasswordForm | None = None) -> str:
    provider = current_provider()
    session = db.session()
    return render_template(
        "sso/index.html",
        person=user,
        provider=provider,
        identity=find_identity_of(session, user, provider.issuer),
        grants=list_grants(session, user),
        fresh=is_fresh(),
        form=form or PasswordForm(),
    )
