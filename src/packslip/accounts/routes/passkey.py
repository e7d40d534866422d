"""Logging in with a passkey alone: it is in somebody's hands, and it knows its holder."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug import Response as BaseResponse

from packslip import db
from packslip.accounts.current import keep_private
from packslip.accounts.factor_login import log_in_with_key
from packslip.accounts.key_requests import answer_options, current_origin, current_party
from packslip.accounts.local_login import ProviderOnlyError
from packslip.accounts.security_keys import KeyRefusedError, options_to_log_in
from packslip.web.next_page import safe_next

blueprint = Blueprint("passkey", __name__, template_folder="../templates")
blueprint.after_request(keep_private)


# The log-in page asks for it: empty where browsers allow no passkeys.
blueprint.add_app_template_global(current_origin, "passkey_origin")


@blueprint.post("/account/login/passkey/options")
def options() -> Response:
    """What the browser needs to ask for a passkey."""
    with db.write_transaction(db.session()) as session:
        made = options_to_log_in(session, current_party(), None)
    return answer_options(made)


@blueprint.post("/account/login/passkey")
def log_in() -> BaseResponse:
    """Log in whoever has the passkey."""
    try:
        return log_in_with_key(None, request.form.get("credential", ""))
    except (KeyRefusedError, ProviderOnlyError) as error:
        flash(error.reason, "error")
        return redirect(url_for("login.log_in", next=safe_next("") or None), code=303)
