"""The command `packslip webhook`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from packslip import db
from packslip.errors import PackslipError
from packslip.events.operations import Actor
from packslip.subscriptions.announcements import KINDS
from packslip.subscriptions.models import DeliveryState, Webhook, WebhookDelivery
from packslip.subscriptions.operations import add_webhook, remove_webhook, send_test
from packslip.subscriptions.queries import (
    get_delivery,
    get_webhook,
    list_deliveries,
    list_webhooks,
)
from packslip.subscriptions.sender import current_deliverer
from packslip.terminal import print_json, print_table

webhook_commands = AppGroup("webhook", help="Look after webhooks, which are told of events.")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class NotTakenError(PackslipError):
    """The receiver did not take a message."""


@webhook_commands.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([kind.value for kind in KINDS]),
    help="What it is told of; may be given several times. Without it, everything.",
)
@click.option("--allow-private", is_flag=True, help="It may be in a private network.")
def add(url: str, events: tuple[str, ...], allow_private: bool) -> None:
    """Tell the address URL of events from now on; print the secret that signs the messages."""
    with db.write_transaction(db.session()) as session:
        webhook, secret = add_webhook(
            session, Actor.command(), url, events or KINDS, allow_private=allow_private
        )
        webhook_id = webhook.id
    click.echo(f"webhook {webhook_id} was added; its secret is not shown again", err=True)
    click.echo(secret)


@webhook_commands.command("list")
@_json
def list_(as_json: bool) -> None:
    """List the webhooks."""
    webhooks = list_webhooks(db.session())
    if as_json:
        print_json([_data(one) for one in webhooks])
        return
    headings = ("ID", "Address", "Events", "On", "Private")
    print_table(
        headings,
        [
            (one.id, one.url, " ".join(one.events), one.enabled, one.allow_private)
            for one in webhooks
        ],
    )


@webhook_commands.command("test")
@click.argument("webhook_id", metavar="ID", type=int)
def test(webhook_id: int) -> None:
    """Send a message now that says only that messages come; fail unless it is taken."""
    with db.write_transaction(db.session()) as session:
        delivery_id = send_test(session, get_webhook(session, webhook_id)).id
    # A server that runs may have been faster.
    current_deliverer().send_due(delivery_id)
    session = db.session()
    session.rollback()
    delivery = get_delivery(session, get_webhook(session, webhook_id), delivery_id)
    if delivery.state != DeliveryState.DELIVERED:
        raise NotTakenError(f"not taken: {delivery.last_error or 'still being sent'}")
    click.echo(f"taken: {delivery.last_status}")


@webhook_commands.command("remove")
@click.argument("webhook_id", metavar="ID", type=int)
def remove(webhook_id: int) -> None:
    """Remove a webhook, with all that waits for it."""
    with db.write_transaction(db.session()) as session:
        remove_webhook(session, Actor.command(), get_webhook(session, webhook_id))


@webhook_commands.command("deliveries")
@click.argument("webhook_id", metavar="ID", type=int)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@_json
def deliveries(webhook_id: int, limit: int, as_json: bool) -> None:
    """List the newest messages to a webhook, and what became of them."""
    session = db.session()
    found = list_deliveries(session, get_webhook(session, webhook_id), limit=limit)
    if as_json:
        print_json([_delivery_data(one) for one in found])
        return
    headings = ("ID", "When (UTC)", "Event", "State", "Attempts", "Answer")
    rows = [
        (
            one.id,
            f"{one.created_at:%Y-%m-%d %H:%M:%S}",
            one.kind,
            one.state,
            one.attempts,
            one.last_error or one.last_status,
        )
        for one in found
    ]
    print_table(headings, rows)


def _data(webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "enabled": webhook.enabled,
        "allow_private": webhook.allow_private,
    }


def _delivery_data(delivery: WebhookDelivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "message": delivery.message_id,
        "event": delivery.kind,
        "at": delivery.created_at,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.last_status,
        "error": delivery.last_error,
        "next_attempt_at": delivery.next_attempt_at,
    }
