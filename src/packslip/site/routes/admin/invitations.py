"""Invitations to register."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import EmailField, IntegerField, SelectField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.invitations import (
    DAYS,
    MAX_DAYS,
    UselessInvitationError,
    create_invitation,
    get_invitation,
    invitation_address,
    is_open,
    list_invitations,
    revoke_invitation,
    send_invitation,
)
from packslip.accounts.models import Invitation, Role
from packslip.errors import InvalidError
from packslip.mail.operations import can_send
from packslip.setting_choices import Registration
from packslip.site.routes.admin.shared import admin_transaction, blueprint
from packslip.web.context import current_settings
from packslip.web.forms import Form, is_sent, read_form


class InvitationForm(Form):
    """Whom to invite, and as what."""

    email = EmailField("E-mail address", description="Whom it is for; it may stay empty.")
    role = SelectField("Role", choices={role.value: role.value for role in Role})
    days = IntegerField(
        "Days", [InputRequired("Say for how many days.")], description=f"From 1 to {MAX_DAYS}."
    )


@blueprint.route("/invitations/", methods=["GET", "POST"])
def invitations() -> ResponseReturnValue:
    """List the invitations; make one and show its link this once."""
    form = read_form(InvitationForm, role=Role.MEMBER, days=DAYS)
    if not is_sent(form):
        return _page(form, 400 if form.errors else 200)
    try:
        if _is_closed():
            raise UselessInvitationError
        with admin_transaction() as (session, actor):
            email = (form.email.data or "").strip() or None
            invitation, secret = create_invitation(
                session,
                actor,
                role=Role(form.role.data),
                email=email,
                days=form.days.data or 0,
            )
            link = invitation_address(secret)
            if email is not None:
                send_invitation(session, invitation, link)
    except InvalidError as error:
        form.fail(error)
        return _page(form, 400)
    is_mailed = email is not None and can_send()
    return render_template(
        "site/admin_invitation.html", invitation=invitation, link=link, is_mailed=is_mailed
    )


@blueprint.post("/invitations/<int:invitation_id>/revoke")
def revoke(invitation_id: int) -> ResponseReturnValue:
    """Withdraw an invitation."""
    with admin_transaction() as (session, actor):
        revoke_invitation(session, actor, get_invitation(session, invitation_id))
    flash("The invitation is withdrawn.")
    return redirect(url_for(".invitations"), code=303)


def _page(form: InvitationForm, status: int) -> tuple[str, int]:
    rows = [(one, _state(one)) for one in list_invitations(db.session())]
    page = render_template(
        "site/admin_invitations.html",
        form=form,
        rows=rows,
        is_closed=_is_closed(),
        can_send=can_send(),
    )
    return page, status


def _is_closed() -> bool:
    return current_settings().registration is Registration.CLOSED


def _state(invitation: Invitation) -> str:
    if invitation.used_at is not None:
        return "used"
    if is_open(invitation):
        return "open"
    is_late = invitation.expires_at <= datetime.now(UTC)
    return "expired" if is_late else "void: who made it is no admin any more"
