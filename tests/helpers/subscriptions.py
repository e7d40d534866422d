"""What tells people and machines of what happens."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.subscriptions.models import DeliveryState
from packslip.subscriptions.operations import add_webhook, send_test, watch
from packslip.subscriptions.unsubscribing import unsubscribe_address


def subscribe(session: Session, user: User, package_id: str) -> tuple[int, str]:
    """A webhook that got a message, and a watch; the number of it, and how the watch is ended."""
    with write_transaction(session):
        webhook, _ = add_webhook(session, ACTOR, "https://hooks.example.com/packages")
        delivery = send_test(session, webhook)
        delivery.state, delivery.attempts, delivery.last_status = DeliveryState.DELIVERED, 1, 204
        delivery.attempted_at, delivery.next_attempt_at = datetime.now(UTC), None
        watch(session, user, package_id)
    return webhook.id, unsubscribe_address(user.id, package_id).rpartition("/")[2]
