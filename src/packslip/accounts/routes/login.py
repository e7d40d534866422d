"""Logging in and out."""

from __future__ import annotations

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
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import (
    current_actor,
    current_login,
    current_user,
    forget_login,
    keep_private,
)
from packslip.accounts.identity import WrongCredentialsError, check_password
from packslip.accounts.local_login import ProviderOnlyError
from packslip.accounts.login_flow import SINGLE_SIGN_ON, after_password, note_left
from packslip.errors import NotAllowedError, TooOftenError
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.web.forms import Form, is_sent, read_form
from packslip.web.next_page import go_next, safe_next

blueprint = Blueprint("login", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


class LoginForm(Form):
    """Who, and what proves it."""

    username = StringField(
        "Username or e-mail address", [InputRequired("Enter your username or e-mail address.")]
    )
    password = PasswordField("Password", [InputRequired("Enter your password.")])


class WrongLoginError(NotAllowedError):
    """What was typed is nobody's; it says the same for every way of being wrong."""

    def __init__(self) -> None:
        super().__init__("The name or the password is wrong.")


@blueprint.route("/account/login", methods=["GET", "POST"])
def log_in() -> BaseResponse:
    """Log in with username or e-mail address and password."""
    if current_user() is not None:
        return go_next("/")
    form = read_form(LoginForm)
    if not is_sent(form):
        return _page(form, 400 if request.method == "POST" else 200)
    name, password = form.username.data or "", form.password.data or ""
    try:
        return after_password(check_password(db.session(), name, password, request.remote_addr))
    except WrongCredentialsError:
        form.fail(WrongLoginError())
        return _page(form, 403)
    except ProviderOnlyError as error:
        form.fail(error)
        return _page(form, 403)
    except TooOftenError as error:
        form.fail(error)
        page = _page(form, 429)
        page.headers["Retry-After"] = str(error.retry_after)
        return page


@blueprint.route("/account/logout", methods=["GET", "POST"])
def log_out() -> BaseResponse | str:
    """End this browser's session, after one click: an address alone must not log anybody out."""
    if request.method == "GET":
        return render_template("accounts/logout.html")
    login = current_login()
    came_through_provider = login is not None and login.method.startswith(SINGLE_SIGN_ON)
    if login is not None:
        with db.write_transaction(db.session()) as session:
            record(session, current_actor(), Action.USER_LOG_OUT, subject_id=login.user_id)
            session.delete(login)
    forget_login()
    if came_through_provider:
        note_left()
    flash("You are logged out.")
    return redirect(url_for(".log_in"), code=303)


def _page(form: LoginForm, status: int) -> Response:
    return make_response(
        render_template("accounts/login.html", form=form, next=safe_next("")), status
    )
