"""What users say of themselves: name, e-mail address, password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import (
    begin_login,
    current_actor,
    current_login,
    guard_users,
    login_address,
    require_user,
)
from packslip.accounts.email_addresses import ask_confirmation, change_email
from packslip.accounts.identity import WrongCredentialsError, check_password
from packslip.accounts.models import LoginSession, User
from packslip.accounts.operations import change_name, set_password
from packslip.accounts.passwords import MIN_LENGTH, hash_password
from packslip.accounts.queries import known_of, lock_user
from packslip.accounts.requests_limit import note_request
from packslip.errors import InvalidError, NotAllowedError
from packslip.mail.operations import can_send
from packslip.web.forms import Form, is_sent, read_form

blueprint = Blueprint("profile", __name__, template_folder="../templates")
guard_users(blueprint)

#: How often one user can have mail sent from this page within an hour.
MAIL_LIMIT = 10


class WrongPasswordError(NotAllowedError):
    """The current password is another one."""

    def __init__(self) -> None:
        super().__init__("The current password is wrong.")


class NameForm(Form):
    """What others call the user."""

    name = StringField("Name", description="As people write it; it may be empty.")


class EmailForm(Form):
    """Where mail reaches the user."""

    email = EmailField("E-mail address", [InputRequired("Enter an e-mail address.")])
    current_password = PasswordField(
        "Current password", [InputRequired("Enter your password.")], id="password-for-email"
    )


class PasswordForm(Form):
    """What proves who the user is."""

    current_password = PasswordField(
        "Current password", [InputRequired("Enter your present password.")]
    )
    password = PasswordField(
        "New password",
        [InputRequired("Enter a new password.")],
        description=f"At least {MIN_LENGTH} characters. It logs out every other browser.",
    )


@blueprint.route("/account/profile", methods=["GET", "POST"])
def profile() -> Response | tuple[str, int]:
    """Look at the profile and change the name."""
    form = read_form(NameForm, name=require_user().name)
    if is_sent(form):
        try:
            with _changing() as (session, user):
                change_name(session, current_actor(), user, form.name.data or "")
        except InvalidError as error:
            form.fail(error)
        else:
            return _done("Your name is changed.")
    return _page(400 if request.method == "POST" else 200, name_form=form)


@blueprint.route("/account/profile/email", methods=["GET", "POST"])
def email() -> Response | tuple[str, int]:
    """Change the e-mail address; the current password is needed."""
    if request.method == "GET":
        return redirect(url_for(".profile"), code=303)
    form = read_form(EmailForm)
    if not is_sent(form):
        return _page(400, email_form=form)
    try:
        known = _check_password(form.current_password.data or "")
        with _changing(known) as (session, user):
            _note_mail(session, user)
            change_email(session, current_actor(), user, form.email.data or "")
    except (InvalidError, WrongPasswordError) as error:
        form.fail(error)
        return _page(403 if isinstance(error, WrongPasswordError) else 400, email_form=form)
    if can_send():
        return _done("Your e-mail address is changed. A mail on its way there asks to confirm it.")
    return _done("Your e-mail address is changed.")


@blueprint.post("/account/profile/confirmation")
def ask_again() -> Response:
    """Have the mail that asks for a confirmation sent again."""
    with _changing() as (session, user):
        _note_mail(session, user)
        ask_confirmation(session, current_actor(), user)
    return _done("A mail is on its way. Its link confirms the address.")


@blueprint.route("/account/profile/password", methods=["GET", "POST"])
def password() -> Response | tuple[str, int]:
    """Change the password; the current one is needed, and every other browser is logged out."""
    if request.method == "GET":
        return redirect(url_for(".profile"), code=303)
    form = read_form(PasswordForm)
    if not is_sent(form):
        return _page(400, password_form=form)
    try:
        known = _check_password(form.current_password.data or "")
        hashed_password = hash_password(form.password.data or "", *known_of(require_user()))
        with _changing(known) as (session, user):
            _note_mail(session, user)
            set_password(session, current_actor(), user, hashed_password)
            # All sessions have ended; this browser gets a new one.
            begin_login(user, "password")
    except (InvalidError, WrongPasswordError) as error:
        form.fail(error)
        return _page(403 if isinstance(error, WrongPasswordError) else 400, password_form=form)
    return _done("Your password is changed. Every other browser is logged out.")


def _page(
    status: int,
    *,
    name_form: NameForm | None = None,
    email_form: EmailForm | None = None,
    password_form: PasswordForm | None = None,
) -> tuple[str, int]:
    user = require_user()
    page = render_template(
        "accounts/profile.html",
        name_form=name_form or NameForm(data={"name": user.name}),
        email_form=email_form or EmailForm(data={"email": user.email}),
        password_form=password_form or PasswordForm(),
        can_send=can_send(),
    )
    return page, status


def _done(message: str) -> Response:
    flash(message)
    return redirect(url_for(".profile"), code=303)


def _check_password(given: str) -> str | None:
    """The hash of the current password, if that is the password.

    Raises:
        WrongPasswordError: it is not.
        TooManyFailuresError: it was tried too often.
    """
    try:
        return check_password(
            db.session(), require_user(), given, request.remote_addr
        ).hashed_password
    except WrongCredentialsError:
        raise WrongPasswordError from None


@contextmanager
def _changing(known: str | None = None) -> Iterator[tuple[Session, User]]:
    """A write transaction with the user, read again; who was logged out meanwhile has to log in.

    Raises:
        WrongPasswordError: the password's hash is not the `known` one any more.
    """
    login = current_login()
    if login is None:
        abort(redirect(login_address(), code=303))
    login_id, user_id = login.id, login.user_id
    with db.write_transaction(db.session()) as session:
        user = lock_user(session, user_id)
        if session.get(LoginSession, login_id) is None or user.disabled_at is not None:
            abort(redirect(login_address(), code=303))
        if known is not None and user.hashed_password != known:
            raise WrongPasswordError
        yield session, user


def _note_mail(session: Session, user: User) -> None:
    if can_send():
        note_request(session, "profile", str(user.id), limit=MAIL_LIMIT, window=timedelta(hours=1))
