"""Getting back into an account: asking for a link, and setting a password with it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import keep_private
from packslip.accounts.links import UnknownLinkError, get_link
from packslip.accounts.models import LinkPurpose
from packslip.accounts.passwords import MIN_LENGTH, hash_password
from packslip.accounts.queries import known_of
from packslip.accounts.recovery import ask_recovery
from packslip.accounts.recovery import reset_password as set_password_by_link
from packslip.errors import InvalidError
from packslip.mail.operations import can_send
from packslip.web.context import current_settings
from packslip.web.forms import Form, is_sent, read_form

blueprint = Blueprint("recovery", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


class AskForm(Form):
    """Where the link goes."""

    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address.")])


class PasswordForm(Form):
    """The new password."""

    password = PasswordField(
        "New password",
        [InputRequired("Enter a new password.")],
        description=f"At least {MIN_LENGTH} characters. A few words that only you would put"
        " together are good.",
    )


@blueprint.route("/account/reset", methods=["GET", "POST"])
def ask() -> Response | tuple[str, int] | str:
    """Ask for a link to set a new password, or read whom to ask where no mail is sent."""
    contact = current_settings().contact
    if not can_send():
        return render_template("accounts/reset_without_mail.html", contact=contact)
    form = read_form(AskForm)
    if is_sent(form):
        try:
            with db.write_transaction(db.session()) as session:
                ask_recovery(session, form.email.data or "", request.remote_addr)
        except InvalidError as error:
            form.fail(error)
        else:
            return redirect(url_for(".asked"), code=303)
    status = 400 if request.method == "POST" else 200
    return render_template("accounts/reset_ask.html", form=form, contact=contact), status


@blueprint.get("/account/reset/sent")
def asked() -> str:
    """Read what happens now, which is the same for every address."""
    return render_template("accounts/reset_asked.html", contact=current_settings().contact)


@blueprint.route("/account/reset/<secret>", methods=["GET", "POST"])
def reset(secret: str) -> Response | tuple[str, int] | str:
    """Set a new password with the link that was sent or handed over."""
    user = get_link(db.session(), secret, LinkPurpose.RESET_PASSWORD).user
    form = read_form(PasswordForm)
    if is_sent(form):
        try:
            hashed_password = hash_password(form.password.data or "", *known_of(user))
        except InvalidError as error:
            form.fail(error)
        else:
            with db.write_transaction(db.session()) as session:
                set_password_by_link(session, secret, hashed_password, request.remote_addr)
            flash("Your password is set. Log in with it.")
            return redirect(url_for("login.log_in"), code=303)
    status = 400 if request.method == "POST" else 200
    return render_template("accounts/reset_password.html", form=form, whose=user), status


@blueprint.errorhandler(UnknownLinkError)
def _show_dead_link(error: UnknownLinkError) -> tuple[str, int]:
    return render_template("accounts/dead_link.html", reason=error.reason, purpose="reset"), 404
