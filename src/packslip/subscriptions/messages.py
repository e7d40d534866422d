"""What is sent to webhooks, and its signature: Standard Webhooks, version 1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import msgspec

from packslip.events.models import Action, Event

#: What every secret begins with.
PREFIX = "whsec_"

#: The message that says only that messages come.
TEST = "webhook.test"


def new_secret() -> str:
    """A secret of 32 random bytes, in the form in which receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, moment: int, body: bytes) -> str:
    """The value of `webhook-signature` for a message that is sent at that second."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{moment}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def body_of(payload: dict[str, Any]) -> bytes:
    """The payload as it is sent."""
    return msgspec.json.encode(payload)


def payload_of(event: Event, base: str) -> dict[str, Any]:
    """What is told of an event; `base` is the address of this index."""
    data: dict[str, Any] = {
        "event": event.id,
        "actor": event.actor_name,
        "package": event.package_id,
        "url": f"{base}/project/{event.package_id}/",
    }
    said = event.data
    if event.action == Action.FILE_UPLOAD:
        data |= {name: said.get(name) for name in ("version", "filename", "sha256")}
        data["url"] = f"{base}/project/{event.package_id}/{said.get('version')}/"
    elif event.action.startswith("mirror."):
        data |= said
    else:
        data |= {name: said.get(name) for name in ("act", "version_range", "before", "after")}
        number = said.get("note_id")
        url = f"{base}/notes/{number}"
        data["note"] = {"id": number, "title": said.get("title", ""), "url": url}
    return _message(event.action, event.created_at, data)


def test_payload(moment: datetime, base: str) -> dict[str, Any]:
    """A message by which a receiver can be tried."""
    return _message(TEST, moment, {"url": f"{base}/"})


def _message(kind: str, moment: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "timestamp": moment.isoformat(), "data": data}
