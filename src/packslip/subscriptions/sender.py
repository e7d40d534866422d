"""Sending what waits for webhooks.

What is promised: a message whose transaction was committed is sent until the receiver takes it
(any 2xx), or until a day has passed; it may come twice, under the same `webhook-id`, if the process
ends between the answer and its being written down. As with mail, a process takes a message for a
while by moving `next_attempt_at`, sends outside of any transaction, and writes down what came of
it. Logs name webhooks and messages by number: addresses may hold secrets.
"""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from flask import Flask, current_app
from sqlalchemy import Select, delete, event, select, update
from sqlalchemy.orm import Session

from packslip.accounts.sealing import BrokenSealError, unseal
from packslip.db import db, write_transaction
from packslip.subscriptions.messages import body_of, sign
from packslip.subscriptions.models import DeliveryState, Webhook, WebhookDelivery
from packslip.subscriptions.targets import NotSentError, post

#: For how long a message belongs to the process that is sending it; longer than that may take.
LEASE = timedelta(minutes=2)

#: The waits after each attempt that failed. After the last one it is given up: about a day.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=8),
    timedelta(hours=8),
)

#: How long others wait for a receiver that does not answer, so that they hold up nobody.
PAUSE = timedelta(seconds=30)

#: For how long is kept what became of a message.
KEPT = timedelta(days=30)

#: Seconds after which the thread looks for messages of other processes, and those to try again.
POLL = 5.0

_EXTENSION = "packslip_webhooks"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Parcel:
    """A message that this process has taken."""

    id: int
    webhook_id: int
    message_id: str
    attempt: int
    url: str
    allow_private: bool
    #: None when it cannot be read any more.
    secret: str | None
    body: bytes


@dataclass(frozen=True)
class _Outcome:
    status: int | None
    error: str | None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Deliverer:
    """Sends messages that are due, in a daemon thread once it is started."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._process = 0
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Send what is due, from now on and in this process."""
        if self._process == os.getpid():
            return
        # A fork takes no threads along.
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()
        self._process = os.getpid()
        # A thread that is cut off within the database library can crash the interpreter.
        atexit.register(self.stop)

    def wake_after_commit(self, session: Session) -> None:
        """Send when the session's transaction, in which a message was queued, is committed."""
        if _EXTENSION not in session.info:
            session.info[_EXTENSION] = True
            event.listen(session, "after_commit", self._on_commit)

    def stop(self) -> None:
        """End the thread, after the message that it is at unless that takes long."""
        if self._thread is not None and self._process == os.getpid():
            self._stopping.set()
            self._wanted.set()
            self._thread.join(timeout=5)
            self._process = 0

    def send_due(self, delivery_id: int | None = None) -> int:
        """Try once to send each message that is due, and return how many were taken.

        With a number, only that message.
        """
        taken = 0
        with self._app.app_context(), Session(db.engine) as session:
            while not self._stopping.is_set() and _is_any_due(session, delivery_id):
                with write_transaction(session):
                    delivery = _lock_next(session, delivery_id)
                    if delivery is None:
                        break
                    parcel = _take(delivery)
                outcome = _send(parcel)
                taken += outcome.is_taken
                _note(session, parcel, outcome)
        return taken

    def clear_up(self) -> None:
        """Remove what was sent, or given up, long ago."""
        with self._app.app_context(), Session(db.engine) as session:
            old = WebhookDelivery.created_at < datetime.now(UTC) - KEPT
            ended = old & (WebhookDelivery.state != DeliveryState.WAITING)
            if session.scalar(select(WebhookDelivery.id).where(ended).limit(1)) is not None:
                with write_transaction(session):
                    session.execute(delete(WebhookDelivery).where(ended))

    def _on_commit(self, session: Session) -> None:
        # The end of a savepoint counts as a commit to SQLAlchemy.
        if not session.in_nested_transaction() and self._process == os.getpid():
            self._wanted.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wanted.clear()
            try:
                self.send_due()
                self.clear_up()
            except Exception as error:
                log.error("webhooks cannot be told", error=str(error))
            self._wanted.wait(POLL)


def init_app(app: Flask) -> None:
    """Give the application a deliverer that is not started."""
    app.extensions[_EXTENSION] = Deliverer(app)


def current_deliverer() -> Deliverer:
    """The deliverer of the current application."""
    return cast("Deliverer", current_app.extensions[_EXTENSION])


def _due(delivery_id: int | None) -> Select[WebhookDelivery]:
    statement = (
        select(WebhookDelivery)
        .join(Webhook)
        .where(WebhookDelivery.next_attempt_at <= datetime.now(UTC), Webhook.enabled)
    )
    return statement if delivery_id is None else statement.where(WebhookDelivery.id == delivery_id)


def _is_any_due(session: Session, delivery_id: int | None) -> bool:
    # Asked without the write lock, which SQLite has only one of.
    session.rollback()
    return session.scalar(_due(delivery_id).limit(1)) is not None


def _lock_next(session: Session, delivery_id: int | None) -> WebhookDelivery | None:
    return session.scalar(
        _due(delivery_id)
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
        .with_for_update(of=WebhookDelivery, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _take(delivery: WebhookDelivery) -> _Parcel:
    now, webhook = datetime.now(UTC), delivery.webhook
    delivery.attempts += 1
    delivery.attempted_at = now
    delivery.next_attempt_at = now + LEASE
    try:
        secret = unseal(webhook.secret)
    except BrokenSealError:
        secret = None
    return _Parcel(
        id=delivery.id,
        webhook_id=webhook.id,
        message_id=delivery.message_id,
        attempt=delivery.attempts,
        url=webhook.url,
        allow_private=webhook.allow_private,
        secret=secret,
        body=body_of(delivery.payload),
    )


def _send(parcel: _Parcel) -> _Outcome:
    if parcel.secret is None:
        return _Outcome(None, "the secret cannot be read: the secret key has changed")
    moment = int(datetime.now(UTC).timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Packslip-Webhooks",
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": sign(parcel.secret, parcel.message_id, moment, parcel.body),
    }
    try:
        status = post(parcel.url, headers, parcel.body, allow_private=parcel.allow_private)
    except NotSentError as error:
        return _Outcome(None, str(error))
    outcome = _Outcome(status, None)
    return outcome if outcome.is_taken else _Outcome(status, f"answered {status}")


def _note(session: Session, parcel: _Parcel, outcome: _Outcome) -> None:
    now = datetime.now(UTC)
    given_up = not outcome.is_taken and (parcel.attempt > len(WAITS) or outcome.status == 410)
    state, again = DeliveryState.WAITING, None
    if outcome.is_taken:
        state = DeliveryState.DELIVERED
    elif given_up:
        state = DeliveryState.FAILED
    else:
        again = now + WAITS[parcel.attempt - 1]
    with write_transaction(session):
        # Not if another process has taken it since.
        ours = (WebhookDelivery.id == parcel.id) & (WebhookDelivery.attempts == parcel.attempt)
        session.execute(
            update(WebhookDelivery)
            .where(ours)
            .values(
                state=state,
                next_attempt_at=again,
                last_status=outcome.status,
                last_error=outcome.error,
            )
        )
        if outcome.status is None:
            _pause(session, parcel, now)
    if not outcome.is_taken:
        log.warning(
            "a message to a webhook was given up"
            if given_up
            else "a message to a webhook is tried again",
            webhook=parcel.webhook_id,
            delivery=parcel.id,
            attempts=parcel.attempt,
            error=outcome.error,
        )


def _pause(session: Session, parcel: _Parcel, now: datetime) -> None:
    """Let other messages to the same receiver wait for a while."""
    waiting = (WebhookDelivery.webhook_id == parcel.webhook_id) & (
        WebhookDelivery.next_attempt_at <= now
    )
    session.execute(update(WebhookDelivery).where(waiting).values(next_attempt_at=now + PAUSE))
