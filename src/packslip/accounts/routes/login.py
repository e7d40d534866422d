"""Logging in and out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts import queries
from packslip.accounts.current import (
    current_actor,
    current_login,
    forget_login,
    keep_private,
)
from packslip.accounts.identity import WrongCredentialsError
from packslip.accounts.login_flow import after_password
from packslip.accounts.passwords import verify_password
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.web.forms import Form, is_sent, read_form
from packslip.web.next_page import safe_next

blueprint = Blueprint("login", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


class LoginForm(Form):
    """Who, and what proves it."""

    username = StringField("Username", [InputRequired("Enter your username.")])
    password = PasswordField("Password", [InputRequired("Enter your password.")])


@blueprint.route("/account/login", methods=["GET", "POST"])
def log_in() -> Response | tuple[str, int] | str:
    """Log in with username and password."""
    form = read_form(LoginForm)
    if not is_sent(form):
        status = 400 if request.method == "POST" else 200
        return render_template("accounts/login.html", form=form, next=safe_next("")), status
    user = queries.find_user(db.session(), form.username.data or "")
    hashed_password = None if user is None else user.hashed_password
    if not verify_password(hashed_password, form.password.data or "") or user is None:
        form.fail(WrongCredentialsError())
        return render_template("accounts/login.html", form=form, next=safe_next("")), 403
    return after_password(user)


@blueprint.route("/account/logout", methods=["GET", "POST"])
def log_out() -> Response | str:
    """End this browser's session, after one click: an address alone must not log anybody out."""
    if request.method == "GET":
        return render_template("accounts/logout.html")
    login = current_login()
    if login is not None:
        with db.write_transaction(db.session()) as session:
            record(session, current_actor(), Action.USER_LOG_OUT, subject_id=login.user_id)
            session.delete(login)
    forget_login()
    flash("You are logged out.")
    return redirect(url_for(".log_in"), code=303)
