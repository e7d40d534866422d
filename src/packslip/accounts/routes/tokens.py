"""A user's tokens: what there is, a new one, the end of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response
from wtforms import RadioField, SelectField, StringField, ValidationError
from wtforms.validators import DataRequired

from packslip import db
from packslip.accounts import operations, queries
from packslip.accounts.current import (
    confirm_login,
    current_actor,
    guard_users,
    require_user,
)
from packslip.accounts.models import Scope, Token
from packslip.accounts.ready_texts import read_texts, upload_texts
from packslip.errors import InvalidError
from packslip.setting_choices import Read
from packslip.web.context import current_settings
from packslip.web.forms import Form, is_sent, read_form
from packslip.web.urls import base_url

blueprint = Blueprint("tokens", __name__, template_folder="../templates")
guard_users(blueprint)

#: What each scope is called on pages.
SCOPES = {
    Scope.UPLOAD.value: "Upload and install",
    Scope.READ.value: "Only install",
    Scope.NOTES.value: "Read and write notes by the API, private ones too, and install",
    Scope.MIRROR.value: "Change the rules of the mirror by the API, and install",
}

#: How many of the tokens that ended are shown.
ENDED_SHOWN = 50

_ALL, _SOME = "all", "some"
_NEVER = "0"


class TokenForm(Form):
    """What a new token is for."""

    name = StringField(
        "Name",
        [DataRequired("Give it a name: it will tell you later what uses it.")],
        description="Such as the machine or the job that will use it.",
    )
    scope = RadioField("What it may do", choices=SCOPES)
    reach = RadioField(
        "For which packages",
        choices={
            _ALL: "All that I may upload to, or write notes on, now and later",
            _SOME: "Only these:",
        },
    )
    packages = StringField(
        "Names of packages",
        description="Several with commas between them. They need not exist yet.",
    )
    days = SelectField(
        "Expires",
        choices={
            "7": "after 7 days",
            "30": "after 30 days",
            "90": "after 90 days",
            "365": "after a year",
            _NEVER: "never",
        },
    )

    def validate_packages(self, field: StringField) -> None:
        """Take names only where they are wanted: a slip must not make a token for everything."""
        if self.reach.data == _SOME and not self.package_names:
            raise ValidationError("Name at least one package.")
        if self.reach.data == _ALL and self.package_names:
            raise ValidationError("Packages are named here, but the token would be for all.")

    @property
    def package_names(self) -> Sequence[str]:
        """The names, as they were typed."""
        return [name.strip() for name in (self.packages.data or "").split(",") if name.strip()]

    @property
    def expires_at(self) -> datetime | None:
        """When it is to expire."""
        days = self.days.data
        return None if days == _NEVER else datetime.now(UTC) + timedelta(days=int(days))


@blueprint.route("/account/tokens/", methods=["GET", "POST"])
def index() -> Response | tuple[str, int] | str:
    """List the tokens, and make a new one, which the answer shows once."""
    form = read_form(TokenForm, scope=Scope.UPLOAD.value, reach=_ALL, days="90")
    if is_sent(form):
        try:
            return _create(form)
        except InvalidError as error:
            form.fail(error)
    status = 400 if request.method == "POST" else 200
    return _page(form), status


@blueprint.post("/account/tokens/<int:token_id>/revoke")
def revoke(token_id: int) -> Response:
    """End a token's life."""
    actor = current_actor()
    with db.write_transaction(db.session()) as session:
        token = queries.get_own_token(session, confirm_login(session).user, token_id)
        operations.revoke_token(session, actor, token)
        name = title_of(token)
    flash(f"The token “{name}” is revoked.")
    return redirect(url_for(".index"), code=303)


def title_of(token: Token) -> str:
    """What a token is called on pages."""
    return token.name or f"Number {token.id}"


def _create(form: TokenForm) -> str:
    actor = current_actor()
    with db.write_transaction(db.session()) as session:
        token, secret = operations.create_token(
            session,
            actor,
            confirm_login(session).user,
            scope=Scope(form.scope.data),
            packages=form.package_names or None,
            name=form.name.data or "",
            expires_at=form.expires_at,
        )
    may_upload = token.scope == Scope.UPLOAD
    is_private = current_settings().read is Read.MEMBERS
    return render_template(
        "accounts/token_created.html",
        token=token,
        secret=secret,
        upload_texts=upload_texts(secret, base_url()) if may_upload else [],
        # A public index is read without a token; only who asked for one that reads wants these.
        read_texts=read_texts(secret, base_url())
        if is_private or token.scope == Scope.READ
        else [],
        is_private=is_private,
        **_words(),
    )


def _page(form: TokenForm) -> str:
    tokens = queries.list_tokens(db.session(), require_user())
    ended = [token for token in tokens if not queries.is_valid(token)]
    return render_template(
        "accounts/tokens.html",
        form=form,
        valid=[token for token in tokens if queries.is_valid(token)],
        ended=ended[:ENDED_SHOWN],
        ended_count=len(ended),
        most=operations.MAX_TOKENS,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {"scopes": SCOPES, "title_of": title_of, "state_of": queries.token_state}
