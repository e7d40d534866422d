"""Changes to watches and webhooks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.sealing import seal
from packslip.db import add_if_new
from packslip.errors import ConflictError, InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.subscriptions.announcements import KINDS, queue_message
from packslip.subscriptions.messages import TEST, new_secret, test_payload
from packslip.subscriptions.models import DeliveryState, Watch, Webhook, WebhookDelivery
from packslip.subscriptions.queries import find_watch, is_watching
from packslip.subscriptions.targets import check_url
from packslip.web.urls import base_url


class WebhookEventsError(InvalidError):
    """A webhook cannot be told of that."""

    field = "events"

    def __init__(self) -> None:
        super().__init__(f"Choose from: {', '.join(KINDS)}.")


class DisabledWebhookError(ConflictError):
    """Nothing is sent to it."""

    def __init__(self, webhook_id: int) -> None:
        super().__init__(f"The webhook {webhook_id} is switched off.")


def watch(session: Session, user: User, package_id: str | None) -> None:
    """Let the user be told of the package, which is there; with None, of everything that acts."""
    if not is_watching(session, user, package_id):
        # Two of the user's pages may do it at once.
        add_if_new(session, Watch(user_id=user.id, package_id=package_id))


def watch_releases(session: Session, user: User, package_id: str, *, wanted: bool) -> None:
    """Let the user be told of new upstream releases of the package, which they watch then.

    When they are not `wanted` any more, the watch stays.
    """
    if wanted:
        watch(session, user, package_id)
    found = find_watch(session, user, package_id)
    if found is not None:
        found.of_releases = wanted
        session.flush()


def unwatch(session: Session, user_id: int, package_id: str | None) -> None:
    """End that."""
    watches = delete(Watch).where(Watch.user_id == user_id, Watch.package_id == package_id)
    session.execute(watches)


def unwatch_all(session: Session, user_id: int) -> None:
    """End all watches of the user."""
    session.execute(delete(Watch).where(Watch.user_id == user_id))


def add_webhook(
    session: Session,
    actor: Actor,
    url: str,
    events: Collection[str] = KINDS,
    *,
    allow_private: bool = False,
) -> tuple[Webhook, str]:
    """A new webhook, and the secret that signs its messages, which is shown this once.

    Raises:
        WebhookUrlError: nothing can be sent to the address.
        WebhookEventsError: there are no such events.
    """
    wanted = [kind.value for kind in KINDS if kind in events]
    if not wanted or len(wanted) != len(set(events)):
        raise WebhookEventsError
    secret = new_secret()
    webhook = Webhook(
        url=check_url(url),
        secret=seal(secret),
        events=wanted,
        allow_private=allow_private,
        created_by_id=actor.user_id,
    )
    session.add(webhook)
    session.flush()
    _record(session, actor, Action.WEBHOOK_ADD, webhook)
    return webhook, secret


def set_webhook_enabled(session: Session, actor: Actor, webhook: Webhook, enabled: bool) -> None:
    """Switch a webhook on or off. What waits for it meanwhile is sent when it is on again."""
    if webhook.enabled != enabled:
        webhook.enabled = enabled
        session.flush()
        _record(session, actor, Action.WEBHOOK_CHANGE, webhook)


def remove_webhook(session: Session, actor: Actor, webhook: Webhook) -> None:
    """Remove a webhook, with all that waits for it or was sent."""
    _record(session, actor, Action.WEBHOOK_REMOVE, webhook)
    session.delete(webhook)
    session.flush()


def send_test(session: Session, webhook: Webhook) -> WebhookDelivery:
    """Queue a message that says only that messages come.

    Raises:
        DisabledWebhookError: it is switched off.
    """
    _require_enabled(webhook)
    payload = test_payload(datetime.now(UTC), base_url())
    return queue_message(session, webhook, TEST, payload)


def redeliver(session: Session, delivery: WebhookDelivery) -> None:
    """Send a message again, under the number by which the receiver knows it.

    Raises:
        DisabledWebhookError: the webhook is switched off.
    """
    _require_enabled(delivery.webhook)
    delivery.state = DeliveryState.WAITING
    # Not to zero: who is just sending it would take its own outcome for this one's.
    delivery.attempts += 1
    delivery.next_attempt_at = datetime.now(UTC)
    session.flush()


def _require_enabled(webhook: Webhook) -> None:
    if not webhook.enabled:
        raise DisabledWebhookError(webhook.id)


def _record(session: Session, actor: Actor, action: Action, webhook: Webhook) -> None:
    # Not its address: that may hold a secret of the receiver.
    data = {
        "webhook_id": webhook.id,
        "events": webhook.events,
        "enabled": webhook.enabled,
        "allow_private": webhook.allow_private,
    }
    record(session, actor, action, data=data)
