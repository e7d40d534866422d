"""Confirming an e-mail address by the link that was sent there."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from packslip import db
from packslip.accounts.current import keep_private
from packslip.accounts.email_addresses import confirm_email
from packslip.accounts.links import UnknownLinkError, get_link
from packslip.accounts.models import LinkPurpose

blueprint = Blueprint("confirmation", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


@blueprint.get("/account/confirm/<secret>")
def ask(secret: str) -> str:
    """Show the button that confirms: programs that look at links in mail confirm nothing."""
    link = get_link(db.session(), secret, LinkPurpose.CONFIRM_EMAIL)
    return render_template("accounts/confirm_email.html", whose=link.user, secret=secret)


@blueprint.post("/account/confirm/<secret>")
def confirm(secret: str) -> Response:
    """Confirm the address."""
    with db.write_transaction(db.session()) as session:
        email = confirm_email(session, secret, request.remote_addr).email
    flash(f"The e-mail address {email} is confirmed.")
    return redirect(url_for("profile.profile"), code=303)


@blueprint.errorhandler(UnknownLinkError)
def _show_dead_link(error: UnknownLinkError) -> tuple[str, int]:
    return render_template("accounts/dead_link.html", reason=error.reason, purpose="confirm"), 404
