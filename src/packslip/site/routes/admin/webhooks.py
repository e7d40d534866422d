"""Webhooks, and what was sent to them."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from packslip import db
from packslip.errors import InvalidError
from packslip.site.routes.admin.shared import admin_transaction, blueprint
from packslip.subscriptions.announcements import KINDS
from packslip.subscriptions.operations import (
    add_webhook,
    redeliver,
    remove_webhook,
    send_test,
    set_webhook_enabled,
)
from packslip.subscriptions.queries import (
    get_delivery,
    get_webhook,
    list_deliveries,
    list_webhooks,
)
from packslip.web.forms import Form, is_sent, read_form

#: Deliveries on a page.
PAGE = 50

_MAX_ID = 2**63 - 1


class WebhookForm(Form):
    """A webhook to add."""

    url = StringField("Address", description="Such as https://hooks.example.com/packages.")
    events = SelectMultipleField(
        "Events",
        choices={kind.value: kind.value for kind in KINDS},
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    allow_private = BooleanField(
        "Allow addresses of private networks and of this machine",
        description="Only if the receiver is there: this server will send to it.",
    )


@blueprint.route("/webhooks/", methods=["GET", "POST"])
def webhooks() -> ResponseReturnValue:
    """List the webhooks; add one and show its secret this once."""
    form = read_form(WebhookForm, events=[kind.value for kind in KINDS])
    if not is_sent(form):
        return _page(form, 400 if form.errors else 200)
    try:
        with admin_transaction() as (session, actor):
            webhook, secret = add_webhook(
                session,
                actor,
                form.url.data or "",
                form.events.data or (),
                allow_private=bool(form.allow_private.data),
            )
            webhook_id = webhook.id
    except InvalidError as error:
        form.fail(error)
        return _page(form, 400)
    found = get_webhook(db.session(), webhook_id)
    return render_template("site/admin_webhook_added.html", webhook=found, secret=secret)


@blueprint.get("/webhooks/<int:webhook_id>/")
def webhook(webhook_id: int) -> str:
    """Show a webhook, and the newest messages to it."""
    session = db.session()
    found = get_webhook(session, webhook_id)
    before = request.args.get("before", type=int)
    before = before if before is not None and 0 < before <= _MAX_ID else None
    deliveries = list_deliveries(session, found, before=before, limit=PAGE + 1)
    shown = deliveries[:PAGE]
    return render_template(
        "site/admin_webhook.html",
        webhook=found,
        deliveries=shown,
        older=shown[-1].id if len(deliveries) > PAGE else None,
        is_first=before is None,
    )


@blueprint.post("/webhooks/<int:webhook_id>/test")
def test_webhook(webhook_id: int) -> ResponseReturnValue:
    """Send a message that says only that messages come."""
    with admin_transaction() as (session, _actor):
        send_test(session, get_webhook(session, webhook_id))
    flash("The message is on its way. Load this page again to see what became of it.")
    return _back(webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/switch")
def switch_webhook(webhook_id: int) -> ResponseReturnValue:
    """Switch a webhook on or off."""
    enabled = request.form.get("enabled") == "1"
    with admin_transaction() as (session, actor):
        set_webhook_enabled(session, actor, get_webhook(session, webhook_id), enabled)
    flash(f"The webhook is switched {'on' if enabled else 'off'}.")
    return _back(webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/remove")
def remove_webhook_(webhook_id: int) -> ResponseReturnValue:
    """Remove a webhook."""
    with admin_transaction() as (session, actor):
        remove_webhook(session, actor, get_webhook(session, webhook_id))
    flash("The webhook is removed.")
    return redirect(url_for(".webhooks"), code=303)


@blueprint.post("/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/redeliver")
def redeliver_webhook(webhook_id: int, delivery_id: int) -> ResponseReturnValue:
    """Send a message again."""
    with admin_transaction() as (session, _actor):
        webhook = get_webhook(session, webhook_id)
        redeliver(session, get_delivery(session, webhook, delivery_id))
    flash("The message is sent again.")
    return _back(webhook_id)


def _back(webhook_id: int) -> ResponseReturnValue:
    return redirect(url_for(".webhook", webhook_id=webhook_id), code=303)


def _page(form: WebhookForm, status: int) -> tuple[str, int]:
    found = list_webhooks(db.session())
    return render_template("site/admin_webhooks.html", form=form, webhooks=found), status
