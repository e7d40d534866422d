"""Links in mails by which watches end, without a log-in and for as long as there are watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from packslip.errors import NotFoundError
from packslip.web.urls import base_url


class UnknownUnsubscribeLinkError(NotFoundError):
    """The link does nothing."""

    def __init__(self) -> None:
        super().__init__("This link is not whole, or was never one of this index.")


@dataclass(frozen=True)
class UnsubscribeLink:
    """Whose mail it stood in, and about which package that was."""

    user_id: int
    package_id: str


def unsubscribe_address(user_id: int, package_id: str) -> str:
    """The address of a page on which whoever has it can end the watches that led to a mail."""
    return f"{base_url()}/account/unsubscribe/{_serializer().dumps([user_id, package_id])}"


def read_unsubscribe_link(text: str) -> UnsubscribeLink:
    """What the last part of such an address says.

    Raises:
        UnknownUnsubscribeLinkError: this index did not make it.
    """
    try:
        said: Any = _serializer().loads(text)
    except BadSignature:
        raise UnknownUnsubscribeLinkError from None
    return UnsubscribeLink(*said)


def _serializer() -> URLSafeSerializer:
    # Flask's own setting for secret keys that were used before; the last one signs.
    older = current_app.config.get("SECRET_KEY_FALLBACKS") or []
    return URLSafeSerializer([*older, current_app.config["SECRET_KEY"]], salt="packslip unwatch")
