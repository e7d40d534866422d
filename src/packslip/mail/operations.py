"""Putting mail into the queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from packslip.mail.models import Mail
from packslip.mail.sender import current_sender
from packslip.web.context import current_settings


def can_send() -> bool:
    """Whether there is a server that takes mail. Without one, pages say whom to ask instead."""
    return bool(current_settings().smtp_url)


def enqueue(
    session: Session,
    kind: str,
    recipient: str,
    data: Mapping[str, Any],
    *,
    delay: timedelta = timedelta(0),
) -> None:
    """Have a mail sent to `recipient` if and when the caller's transaction is committed.

    It is sent at once, or after `delay`, so that it can tell of what comes until then.

    `kind` says which text it gets, `data` what that is about; it holds no secrets that are not
    sealed, and can be written as JSON. Nothing is kept where no mail can be sent.
    """
    if not can_send():
        return
    due_at = datetime.now(UTC) + delay
    session.add(Mail(kind=kind, recipient=recipient, data=dict(data), due_at=due_at))
    session.flush()
    current_sender().wake_after_commit(session)
