"""Registration: people make an account for themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug import Response
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts import operations, registration
from packslip.accounts.current import begin_login, current_user, keep_private
from packslip.accounts.local_login import registration_in_force
from packslip.accounts.passwords import MIN_LENGTH, check_new_password, hash_password
from packslip.accounts.registration import require_registration
from packslip.errors import InvalidError
from packslip.setting_choices import Registration
from packslip.web.context import current_settings
from packslip.web.forms import Form, is_sent, read_form

blueprint = Blueprint("register", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


class NewUserForm(Form):
    """Who somebody is, and what will prove it."""

    username = StringField(
        "Username",
        [InputRequired("Choose a username.")],
        description="Letters, digits, dots, hyphens and underscores. It cannot be changed later.",
    )
    name = StringField("Name", description="As people write it. It may stay empty.")
    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address.")])
    password = PasswordField(
        "Password",
        [InputRequired("Choose a password.")],
        description=f"At least {MIN_LENGTH} characters, such as several words.",
    )

    def values(self) -> dict[str, str]:
        """What will be known of the user."""
        return {field.name: field.data or "" for field in (self.username, self.name, self.email)}

    def is_faultless(self) -> bool:
        """Show everything that is wrong at once, but for what only the database knows."""
        values, password = self.values(), self.password.data or ""
        checks: tuple[Callable[[], object], ...] = (
            lambda: operations.read_username(values["username"]),
            lambda: operations.read_name(values["name"]),
            lambda: operations.read_email(values["email"]),
            lambda: check_new_password(password, *values.values()),
        )
        for check in checks:
            try:
                check()
            except InvalidError as error:
                self.fail(error)
        return not self.faults


class RegistrationForm(NewUserForm):
    """The same, and the invitation where one is needed."""

    invitation = HiddenField()


@blueprint.app_template_global("may_register")
def may_register() -> bool:
    """Whether everybody may register."""
    return registration_in_force() is Registration.OPEN


@blueprint.route("/account/register", methods=["GET", "POST"])
def register() -> Response | tuple[str, int] | str:
    """Make an account, and be logged in with it."""
    if current_user() is not None:
        return redirect("/", code=303)
    form = read_form(RegistrationForm, invitation=request.args.get("invitation", ""))
    settings, secret = current_settings(), form.invitation.data or ""
    invitation = require_registration(
        db.session(), registration_in_force(), settings.contact, secret
    )
    shown = None
    if invitation is not None:
        # Apart from the row, which may go while the form is looked at.
        shown = {"role": invitation.role, "expires_at": invitation.expires_at}
        form.email.data = form.email.data or invitation.email
    if is_sent(form) and form.is_faultless():
        try:
            return _register(form, secret)
        except InvalidError as error:
            form.fail(error)
    status = 400 if request.method == "POST" else 200
    return render_template("accounts/register.html", form=form, invitation=shown), status


def _register(form: RegistrationForm, secret: str) -> Response:
    values = form.values()
    hashed_password = hash_password(form.password.data or "", *values.values())
    with db.write_transaction(db.session()) as session:
        user = registration.register(
            session,
            **values,
            hashed_password=hashed_password,
            secret=secret,
            ip_address=request.remote_addr,
        )
        user.last_login = datetime.now(UTC)
        begin_login(user, "registration")
        welcome = f"Welcome, {user.name or user.username}."
    flash(welcome)
    return redirect("/", code=303)
