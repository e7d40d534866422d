"""The audit log as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from packslip.events.models import Event
from packslip.events.queries import EventFilter, iterate_events


def event_data(event: Event) -> dict[str, Any]:
    """The event as it is written in JSON."""
    return {
        "id": event.id,
        "at": event.created_at,
        "action": event.action,
        "actor": {"id": event.actor_id, "name": event.actor_name},
        "subject_id": event.subject_id,
        "token_id": event.token_id,
        "package": event.package_id,
        "address": event.ip_address,
        "data": event.data,
    }


def export_events(session: Session, wanted: EventFilter) -> Iterator[bytes]:
    """One line of JSON for each event that is wanted, the oldest first; see `iterate_events`.

    Raises:
        ActionError: no event has the action.
    """
    events = iterate_events(session, wanted)
    return (msgspec.json.encode(event_data(event)) + b"\n" for event in events)
