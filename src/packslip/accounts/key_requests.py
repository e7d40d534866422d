"""What requests of pages with security keys have in common."""

from __future__ import annotations

from flask import Response, session

from packslip.accounts.relying_party import KeysUnavailableError, RelyingParty, relying_party
from packslip.accounts.security_keys import Options
from packslip.web.urls import base_url

_CHALLENGE = "challenge"


def current_party() -> RelyingParty:
    """The party that this index is to browsers.

    Raises:
        KeysUnavailableError: browsers allow no keys at its address.
    """
    return relying_party(base_url())


def current_origin() -> str:
    """The origin at which keys work; empty where browsers allow none."""
    return "" if why_no_keys() else current_party().origin


def why_no_keys() -> str | None:
    """Why browsers allow no keys at the address of this index; None when they do."""
    try:
        current_party()
    except KeysUnavailableError as error:
        return error.reason
    return None


def answer_options(options: Options) -> Response:
    """Give the options to this browser, the only one that can bring back what a key answers."""
    session[_CHALLENGE] = options.challenge
    return Response(options.json, mimetype="application/json")


def pop_challenge() -> str:
    """The challenge that this browser was given last; empty when there is none."""
    challenge = session.pop(_CHALLENGE, "")
    return challenge if isinstance(challenge, str) else ""
