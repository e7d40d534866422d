"""The first set-up, and the first steps after it."""

from __future__ import annotations

from dataclasses import astuple

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
from wtforms import StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import keep_private, require_user
from packslip.accounts.login_flow import log_in
from packslip.accounts.passwords import hash_password
from packslip.accounts.routes.register import NewUserForm
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
from packslip.setting_choices import Read
from packslip.site import queries
from packslip.web.context import current_settings
from packslip.web.errors import status_of
from packslip.web.forms import is_sent, read_form
from packslip.web.urls import base_host, base_url, untrusted_host

blueprint = Blueprint("setup", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


class SetUpForm(NewUserForm):
    """Who the first admin is, and the code."""

    code = StringField(
        "Set-up code",
        [InputRequired("Enter the set-up code.")],
        description="It stands at the end of the link that “packslip serve” printed, in its"
        " terminal or log, and in the file “setup-code” in the data folder. Case and hyphens do"
        " not matter.",
    )


@blueprint.route("/setup", methods=["GET", "POST"])
def set_up() -> BaseResponse:
    """Make the first admin, with the code that the server printed, and log them in."""
    if is_set_up(db.session()):
        raise AlreadySetUpError
    form = _read_form()
    if is_sent(form):
        try:
            # Without the code nobody has the server look at passwords, or learns of usernames.
            check_code(db.session(), form.code.data or "")
            if form.is_faultless():
                return _set_up(form)
        except (InvalidError, WrongSetupCodeError) as error:
            form.fail(error)
            return show_form(form, status_of(error))
    return show_form(form, 400 if request.method == "POST" else 200)


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
    members_only = current_settings().read is Read.MEMBERS
    return render_template(
        "site/first_steps.html",
        steps=steps,
        done=sum(astuple(steps)),
        username=user.username,
        base_url=base_url(),
        host=base_host(),
        members_only=members_only,
        untrusted_host=untrusted_host(),
    )


@blueprint.get("/account/first-steps.json")
def first_steps_state() -> Response:
    """The same for the page's script, which asks again and again."""
    steps = queries.first_steps(db.session(), require_user())
    return Response(msgspec.json.encode(steps), mimetype="application/json")


def _read_form() -> SetUpForm:
    return read_form(SetUpForm, code=request.args.get("code", ""))


def _set_up(form: SetUpForm) -> BaseResponse:
    values = form.values()
    hashed_password = hash_password(form.password.data or "", *values.values())
    with db.write_transaction(db.session()) as session:
        user = make_first_admin(
            session,
            # No username holds a space, so nobody can pass for it.
            Actor("set-up form", ip_address=request.remote_addr),
            code=form.code.data or "",
            hashed_password=hashed_password,
            **values,
        )
    remove_code_file(current_settings().data)
    log_in(user, "set-up code")
    flash(f"Packslip is set up, and you are its admin, {user.username}.")
    return redirect(url_for(".first_steps"), code=303)
