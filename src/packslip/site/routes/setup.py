"""The first set-up, and the first steps after it."""

from __future__ import annotations

from dataclasses import astuple
from urllib.parse import urlsplit

import msgspec
from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug import Response as BaseResponse
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import keep_private, require_user
from packslip.accounts.login_flow import log_in
from packslip.accounts.models import User
from packslip.accounts.passwords import MIN_LENGTH, hash_password
from packslip.accounts.setup import (
    AlreadySetUpError,
    WrongSetupCodeError,
    check_code,
    is_set_up,
    make_first_admin,
    remove_code_file,
)
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.settings import Read
from packslip.site import queries
from packslip.web.context import current_settings
from packslip.web.errors import status_of
from packslip.web.forms import Form, is_sent, read_form
from packslip.web.urls import base_url

blueprint = Blueprint("setup", __name__, template_folder="../templates")
blueprint.after_request(keep_private)

#: Hosts that pip trusts without TLS.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SetUpForm(Form):
    """The code, and who the first admin is."""

    code = StringField(
        "Set-up code",
        [InputRequired("Enter the set-up code.")],
        description="It stands at the end of the link that “packslip serve” printed, in its"
        " terminal or log, and in the file “setup-code” in the data folder. Case and hyphens do"
        " not matter.",
    )
    username = StringField("Username", [InputRequired("Choose a username.")])
    name = StringField("Name", description="As people write it. It may stay empty.")
    email = EmailField("E-mail", [InputRequired("Enter your e-mail address.")])
    password = PasswordField(
        "Password",
        [InputRequired("Choose a password.")],
        description=f"At least {MIN_LENGTH} characters; any characters will do.",
    )


@blueprint.route("/setup", methods=["GET", "POST"])
def set_up() -> BaseResponse:
    """Make the first admin, with the code that the server printed, and log them in."""
    if is_set_up(db.session()):
        raise AlreadySetUpError
    form = _read_form()
    if not is_sent(form):
        return show_form(form, 400 if request.method == "POST" else 200)
    try:
        user = _make_first_admin(form)
    except (InvalidError, WrongSetupCodeError) as error:
        form.fail(error)
        return show_form(form, status_of(error))
    remove_code_file(current_settings().data)
    log_in(user, "set-up code")
    flash(f"Packslip is set up, and you are its admin, {user.username}.")
    return redirect(url_for(".first_steps"), code=303)


def show_form(form: SetUpForm | None = None, status: int = 200) -> Response:
    """The form, at whatever address somebody asked for."""
    return keep_private(
        make_response(render_template("site/set_up.html", form=form or _read_form()), status)
    )


@blueprint.get("/account/first-steps")
def first_steps() -> str:
    """What to do first with a new index, and how much of it is done."""
    user = require_user()
    steps = queries.first_steps(db.session(), user)
    address = base_url()
    parts = urlsplit(address)
    is_plain = parts.scheme == "http" and parts.hostname not in _LOOPBACK
    members_only = current_settings().read is Read.MEMBERS
    return render_template(
        "site/first_steps.html",
        steps=steps,
        done=sum(astuple(steps)),
        username=user.username,
        base_url=address,
        host=parts.hostname,
        members_only=members_only,
        untrusted_host=parts.hostname if is_plain else None,
    )


@blueprint.get("/account/first-steps.json")
def first_steps_state() -> Response:
    """The same for the page's script, which asks again and again."""
    steps = queries.first_steps(db.session(), require_user())
    return Response(msgspec.json.encode(steps), mimetype="application/json")


def _read_form() -> SetUpForm:
    return read_form(SetUpForm, code=request.args.get("code", ""))


def _make_first_admin(form: SetUpForm) -> User:
    session, code = db.session(), form.code.data or ""
    # Without the code nobody has the server hash passwords, or learns which usernames are taken.
    check_code(session, code)
    known = (form.username.data or "", form.name.data or "", form.email.data or "")
    hashed_password = hash_password(form.password.data or "", *known)
    with db.write_transaction(session):
        return make_first_admin(
            session,
            # No username holds a space, so nobody can pass for it.
            Actor("set-up form", ip_address=request.remote_addr),
            code=code,
            username=form.username.data or "",
            email=form.email.data or "",
            name=form.name.data or "",
            hashed_password=hashed_password,
        )
