"""Telling of what happened, in the transaction in which it happened.

Whoever records an event that others may want to hear of calls `announce` with it. Mails and
messages to webhooks go into queues in the database, so that they are sent if and only if the
event stands.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.events.models import Action, Event
from packslip.mail.models import Mail
from packslip.mail.operations import can_send, enqueue
from packslip.subscriptions.messages import payload_of
from packslip.subscriptions.models import Webhook, WebhookDelivery
from packslip.subscriptions.queries import Coverage, list_watchers, webhooks_for
from packslip.subscriptions.sender import current_deliverer
from packslip.web.urls import base_url

#: What webhooks can be told of, and people are.
ACTS = (Action.ACT_BEGIN, Action.ACT_CHANGE, Action.ACT_LIFT, Action.ACT_EXPIRE)
OF_UPSTREAM = (
    Action.MIRROR_ALTER,
    Action.MIRROR_REFUSE_FILE,
    Action.MIRROR_MISS,
    Action.MIRROR_YANK,
    Action.MIRROR_CHANGE_STATUS,
)
KINDS = (*ACTS, Action.FILE_UPLOAD, Action.MIRROR_RELEASE, *OF_UPSTREAM)

#: The kinds of mail.
ACT_MAIL = "watched-act"
UPLOAD_MAIL = "watched-upload"
UPSTREAM_MAIL = "watched-upstream"
RELEASE_MAIL = "watched-release"

#: For how long files of a release are gathered, so that one mail tells of them.
GATHERING = timedelta(minutes=1)


def announce(session: Session, event: Event, *, by_mail: bool = True) -> None:
    """Queue what tells of the event, if anybody wants to hear of it.

    Acts may be told of: they are of notes that everybody sees who reads the index. Without
    `by_mail` only webhooks are told.
    """
    for webhook in webhooks_for(session, event.action):
        queue_message(session, webhook, event.action, payload_of(event, base_url()))
    if by_mail and can_send():
        _mail_watchers(session, event)


def queue_message(
    session: Session, webhook: Webhook, kind: str, payload: dict[str, object]
) -> WebhookDelivery:
    """Have a message sent to the webhook if and when the caller's transaction is committed."""
    delivery = WebhookDelivery(
        webhook_id=webhook.id,
        message_id=f"msg_{token_urlsafe(20)}",
        kind=kind,
        payload=payload,
        next_attempt_at=datetime.now(UTC),
    )
    session.add(delivery)
    session.flush()
    current_deliverer().wake_after_commit(session)
    return delivery


def _mail_watchers(session: Session, event: Event) -> None:
    if event.package_id is None:
        return
    kind = _mail_about(event.action)
    wanted = coverage_of(event.action)
    for user in list_watchers(session, event.package_id, wanted):
        if user.id == event.actor_id or user.email is None:
            # Who did it knows.
            continue
        data: dict[str, object] = {"user_id": user.id, "event_id": event.id}
        if kind == UPLOAD_MAIL:
            data |= {"package": event.package_id, "version": event.data["version"]}
            if _is_waiting(session, user.email, data):
                continue
        delay = GATHERING if kind == UPLOAD_MAIL else timedelta(0)
        enqueue(session, kind, user.email, data, delay=delay)


def coverage_of(action: str) -> Coverage:
    """Which watches cover that kind of event."""
    if action in ACTS:
        return Coverage.ACTS
    return Coverage.RELEASES if action == Action.MIRROR_RELEASE else Coverage.PACKAGE


def _mail_about(action: str) -> str:
    if action in ACTS:
        return ACT_MAIL
    if action in OF_UPSTREAM:
        return UPSTREAM_MAIL
    return RELEASE_MAIL if action == Action.MIRROR_RELEASE else UPLOAD_MAIL


def _is_waiting(session: Session, recipient: str, data: dict[str, object]) -> bool:
    """Whether a mail that was not begun yet will tell of all files of that release anyway."""
    waiting = select(Mail.data).where(
        Mail.kind == UPLOAD_MAIL, Mail.recipient == recipient, Mail.attempts == 0
    )
    named = (data["package"], data["version"])
    return any((one["package"], one["version"]) == named for one in session.scalars(waiting))
