"""Writing the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from packslip.events.models import Action, Event


@dataclass(frozen=True)
class Actor:
    """Who acts. People and tokens are named by key."""

    name: str
    user_id: int | None = None
    token_id: int | None = None
    ip_address: str | None = None

    @classmethod
    def command(cls) -> Actor:
        """Whoever runs the `packslip` command on the server."""
        # No username holds a space, so nobody can pass for it.
        return cls("command line")

    @classmethod
    def publisher(cls, ip_address: str | None) -> Actor:
        """A program that shows an identity which its provider issued."""
        return cls("trusted publisher", ip_address=ip_address)


def record(
    session: Session,
    actor: Actor,
    action: Action,
    *,
    package_id: str | None = None,
    subject_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Add an event to the log. It has its `id`, which is the serial of what it changed.

    `subject_id` is the user that the act was about. `data` can be written as JSON: what else the
    act was about, and what stood there `before` and `after`.
    """
    event = Event(
        action=action,
        actor_id=actor.user_id,
        actor_name=actor.name,
        token_id=actor.token_id,
        subject_id=subject_id,
        package_id=package_id,
        ip_address=actor.ip_address,
        data=dict(data or {}),
    )
    session.add(event)
    session.flush()
    return event
