"""The user's second factors: what there is, adding, removing."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    url_for,
)
from werkzeug import Response as BaseResponse

from packslip import db
from packslip.accounts import factor_operations, recovery_codes, security_keys, totp
from packslip.accounts.current import current_actor, keep_private, require_user
from packslip.accounts.factor_forms import AskForm, CodeForm, KeyForm, PasswordForm
from packslip.accounts.factor_login import log_in_with_code, log_in_with_key
from packslip.accounts.freshness import WrongPasswordError, is_fresh, prove
from packslip.accounts.key_requests import (
    answer_options,
    current_origin,
    current_party,
    pop_challenge,
    why_no_keys,
)
from packslip.accounts.login_flow import pending_user
from packslip.accounts.models import User
from packslip.accounts.policies import second_factor_policy
from packslip.accounts.registration import whom_to_ask
from packslip.accounts.second_factors import has_second_factor
from packslip.errors import InvalidError, NotAllowedError, TooOftenError
from packslip.web.context import current_settings
from packslip.web.errors import status_of
from packslip.web.forms import is_sent, read_form
from packslip.web.urls import base_url

blueprint = Blueprint("second_factor", __name__, template_folder="../templates")
blueprint.after_request(keep_private)

Page = str | tuple[str, int] | Response


class PasswordNeededError(NotAllowedError):
    """It is too long ago that the user proved who they are."""

    def __init__(self) -> None:
        super().__init__("Load this page anew and enter your password first.")


@blueprint.route("/account/login/second-factor", methods=["GET", "POST"])
def ask() -> BaseResponse | Page:
    """Ask for the second factor of whoever has given the password."""
    user = pending_user()
    if user is None:
        flash("Log in with your password first.", "error")
        return redirect(url_for("login.log_in"), code=303)
    form = read_form(AskForm)
    if not is_sent(form):
        return _ask_page(user, form)
    try:
        if form.credential.data:
            return log_in_with_key(user, form.credential.data)
        return log_in_with_code(user, form.code.data or "")
    except (NotAllowedError, TooOftenError) as error:
        form.fail(error)
        page = make_response(_ask_page(user, form), status_of(error))
        if isinstance(error, TooOftenError):
            page.headers["Retry-After"] = str(error.retry_after)
        return page


@blueprint.post("/account/login/second-factor/options")
def ask_options() -> Response:
    """What the browser needs to ask for a key of whoever has given the password."""
    user = pending_user()
    if user is None:
        raise PasswordNeededError
    with db.write_transaction(db.session()) as session:
        options = security_keys.options_to_log_in(session, current_party(), user)
    return answer_options(options)


@blueprint.get("/account/second-factor/")
def index() -> Page:
    """What second factors there are."""
    return _page(require_user())


@blueprint.get("/account/second-factor/authenticator")
@blueprint.get("/account/second-factor/keys")
@blueprint.get("/account/second-factor/password")
@blueprint.get("/account/second-factor/recovery-codes")
def back() -> BaseResponse:
    """Lead back from the addresses of forms: a browser asks for them after a new log-in."""
    return _to_index()


@blueprint.post("/account/second-factor/password")
def give_password() -> BaseResponse | Page:
    """Show that it is still the same person."""
    user = require_user()
    form = read_form(PasswordForm)
    if not is_sent(form):
        return _page(user, password_form=form, status=400)
    try:
        prove(user, form.password.data or "")
    except WrongPasswordError as error:
        form.fail(error)
        return _page(user, password_form=form, status=403)
    return _to_index()


@blueprint.post("/account/second-factor/authenticator")
def begin_authenticator() -> Page:
    """Show the secret of a new authenticator."""
    user = _require_fresh_user()
    with db.write_transaction(db.session()) as session:
        secret = factor_operations.begin_totp(session, user)
    return _authenticator_page(user, secret, CodeForm())


@blueprint.post("/account/second-factor/authenticator/confirm")
def confirm_authenticator() -> BaseResponse | Page:
    """Add the authenticator once it shows a right code."""
    user = _require_fresh_user()
    form = read_form(CodeForm)
    if is_sent(form):
        try:
            with db.write_transaction(db.session()) as session:
                codes = factor_operations.confirm_totp(
                    session, current_actor(), user, form.code.data or ""
                )
        except factor_operations.CodeMismatchError as error:
            form.fail(error)
        else:
            return _added("The authenticator is added.", codes)
    return _authenticator_page(user, factor_operations.unconfirmed_totp(user), form), 400


@blueprint.post("/account/second-factor/authenticator/remove")
def remove_authenticator() -> BaseResponse:
    """Remove the authenticator."""
    user = _require_fresh_user()
    with db.write_transaction(db.session()) as session:
        factor_operations.remove_totp(session, current_actor(), user)
    flash("The authenticator is removed.")
    return _to_index()


@blueprint.post("/account/second-factor/keys/options")
def key_options() -> Response:
    """What the browser needs to make a key."""
    user = require_user()
    if not is_fresh():
        raise PasswordNeededError
    with db.write_transaction(db.session()) as session:
        options = security_keys.options_to_add(session, current_party(), user)
    return answer_options(options)


@blueprint.post("/account/second-factor/keys")
def add_key() -> BaseResponse | Page:
    """Add the key that the browser made."""
    user = _require_fresh_user()
    form = read_form(KeyForm)
    if not is_sent(form):
        return _page(user, key_form=form, status=400)
    try:
        with db.write_transaction(db.session()) as session:
            codes = security_keys.add_key(
                session,
                current_actor(),
                current_party(),
                user,
                name=form.name.data or "",
                credential=form.credential.data or "",
                challenge=pop_challenge(),
            )
    except InvalidError as error:
        form.fail(error)
        return _page(user, key_form=form, status=400)
    return _added("The key is added.", codes)


@blueprint.post("/account/second-factor/keys/<int:key_id>/remove")
def remove_key(key_id: int) -> BaseResponse:
    """Remove a key."""
    user = _require_fresh_user()
    with db.write_transaction(db.session()) as session:
        security_keys.remove_key(session, current_actor(), user, key_id)
    flash("The key is removed.")
    return _to_index()


@blueprint.post("/account/second-factor/recovery-codes")
def renew_recovery_codes() -> Page:
    """Show new recovery codes; the old ones are void."""
    user = _require_fresh_user()
    with db.write_transaction(db.session()) as session:
        codes = factor_operations.renew_recovery_codes(session, current_actor(), user)
    return render_template("accounts/recovery_codes.html", codes=codes, done=None)


def _ask_page(user: User, form: AskForm) -> str:
    session = db.session()
    form.code.description = "One of your recovery codes."
    if user.totp_confirmed_at is not None:
        form.code.description = "What your authenticator shows now, or one of your recovery codes."
    return render_template(
        "accounts/second_factor_ask.html",
        form=form,
        has_authenticator=user.totp_confirmed_at is not None,
        has_keys=bool(security_keys.list_keys(session, user)),
        why_no_keys=why_no_keys(),
        origin=current_origin(),
        whom_to_ask=whom_to_ask(current_settings().contact),
    )


def _require_fresh_user() -> User:
    user = require_user()
    if not is_fresh():
        flash("Enter your password first; that was too long ago.", "error")
        abort(_to_index())
    return user


def _to_index() -> BaseResponse:
    return redirect(url_for("second_factor.index"), code=303)


def _added(done: str, codes: list[str]) -> BaseResponse | Page:
    if codes:
        return render_template("accounts/recovery_codes.html", codes=codes, done=done)
    flash(done)
    return _to_index()


def _page(
    user: User,
    *,
    password_form: PasswordForm | None = None,
    key_form: KeyForm | None = None,
    status: int = 200,
) -> Page:
    session = db.session()
    page = render_template(
        "accounts/second_factor.html",
        user=user,
        keys=security_keys.list_keys(session, user),
        codes_left=recovery_codes.count_recovery_codes(session, user),
        has_factor=has_second_factor(session, user),
        policy=second_factor_policy(session),
        readable=user.totp_confirmed_at is None or factor_operations.is_readable(user),
        fresh=is_fresh(),
        why_no_keys=why_no_keys(),
        origin=current_origin(),
        password_form=password_form or PasswordForm(),
        key_form=key_form or KeyForm(),
    )
    return page, status


def _authenticator_page(user: User, secret: str, form: CodeForm) -> str:
    address = totp.enrolment_address(secret, user.username, urlsplit(base_url()).hostname or "")
    return render_template(
        "accounts/authenticator.html",
        form=form,
        # In groups of four, as people type it.
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        address=address,
        picture=totp.qr_code(address),
    )
