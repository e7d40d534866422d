"""What the provider says of somebody, as far as this index makes use of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Groups that are looked at; no more are told in any sensible answer.
_MOST_GROUPS = 2000

_NO_USERNAME = re.compile(r"[^A-Za-z0-9._-]+")


class UnknownGroupsError(ValueError):
    """The provider says that there are groups, and not which."""


@dataclass(frozen=True)
class Person:
    """Somebody for whom the provider vouches."""

    issuer: str
    subject: str
    #: Wishes for a username, each of which is one, the best first.
    usernames: tuple[str, ...]
    name: str
    #: Lower case; None unless the provider says that it has confirmed it.
    email: str | None
    #: For people to recognise the identity.
    label: str
    groups: frozenset[str]
    #: Whether the provider says that it asked for several factors (RFC 8176).
    has_several_factors: bool


def read_person(claims: Mapping[str, Any], groups_claim: str) -> Person:
    """The person of whom verified claims are.

    Raises:
        UnknownGroupsError: their groups are left out of the claims because they are too many.
    """
    email = _text(claims, "email").lower()
    preferred = _text(claims, "preferred_username")
    name = _text(claims, "name")
    wishes = (preferred, preferred.partition("@")[0], email.partition("@")[0], name)
    usernames = [wish for wish in map(_as_username, wishes) if wish]
    amr = claims.get("amr")
    return Person(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        usernames=tuple(dict.fromkeys(usernames)) or ("user",),
        name=name[:200],
        # A provider that writes "true" as a text does not do what the standard says.
        email=email if email and claims.get("email_verified") is True else None,
        label=(email or preferred or name)[:200],
        groups=_groups(claims, groups_claim),
        has_several_factors=isinstance(amr, list) and "mfa" in amr,
    )


def _groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    elsewhere = claims.get("_claim_names")
    if name not in claims and isinstance(elsewhere, dict) and name in elsewhere:
        # Core 1.0, 5.6.2: they are to be asked for elsewhere.
        raise UnknownGroupsError("the groups are not in the answer")
    told = claims.get(name)
    if isinstance(told, str):
        return frozenset({told})
    if not isinstance(told, list):
        return frozenset()
    return frozenset(group for group in told[:_MOST_GROUPS] if isinstance(group, str))


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    # One line, and nothing that turns the direction of writing or is not seen.
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if text.isprintable() else ""


def _as_username(wish: str) -> str:
    if "@" in wish:
        return ""
    return _NO_USERNAME.sub("-", wish)[:60].strip("._-").lower()
