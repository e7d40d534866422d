"""Settings of single sign-on through an OpenID Connect provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from packslip import setting_values
from packslip.setting_choices import SsoLinking, SsoOnly, SsoRegistration, SsoSecondFactor
from packslip.setting_values import Setting

#: What a group can give on the whole site, the least first.
SITE_ROLES = ("member", "curator", "admin")

#: What a group can give on a package, the least first.
PACKAGE_ROLES = ("maintainer", "owner")

#: What a group can give in a team, the least first.
TEAM_ROLES = ("team-member", "team-manager")

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,238}[A-Za-z0-9])?")

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class GroupRole:
    """What a group of the provider gives: a role on the site, on one package, or in one team."""

    group: str
    role: str
    #: The normalised name of the package, or else the name of the team; neither for the site.
    package_id: str | None = None
    team: str | None = None

    def __str__(self) -> str:
        what = self.package_id or self.team
        where = "" if what is None else f":{what}"
        return f"{self.group}={self.role}{where}"


@dataclass(frozen=True)
class SsoSettings:
    """How people log in through a provider."""

    #: The provider's issuer identifier; empty when there is none.
    sso_issuer: str
    sso_client_id: str
    sso_client_secret: str
    #: What the button calls the provider; empty for its host.
    sso_name: str
    sso_scopes: str
    sso_groups_claim: str
    sso_roles: tuple[GroupRole, ...]
    sso_registration: SsoRegistration
    sso_linking: SsoLinking
    sso_only: SsoOnly
    sso_second_factor: SsoSecondFactor

    @property
    def sso_shown_name(self) -> str:
        """What people are told that the provider is called."""
        return self.sso_name or urlsplit(self.sso_issuer).hostname or ""


def issuer(text: str) -> str:
    """An issuer identifier, which is compared letter by letter; or nothing."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        # `port` is what raises when it is none.
        is_one = bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        is_one = False
    else:
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        )
        is_one = is_one and is_safe and not (parts.query or parts.fragment or parts.username)
    if not is_one:
        raise ValueError("an address such as https://id.example.com/realms/acme, with https")
    return text


def scopes(text: str) -> str:
    """Scopes, `openid` among them, with one space between them."""
    found = text.split()
    if "openid" not in found or not all(re.fullmatch(r"[!#-\[\]-~]+", one) for one in found):
        raise ValueError("scopes separated by spaces, openid among them")
    return " ".join(found)


def roles(text: str) -> tuple[GroupRole, ...]:
    """What groups give: `group=role`, separated by commas."""
    return tuple(_role(part.strip()) for part in text.split(",") if part.strip())


def _role(text: str) -> GroupRole:
    # Names of groups may hold an equals sign, roles may not.
    group, equals, given = text.rpartition("=")
    role, colon, what = given.strip().partition(":")
    known = {"package": PACKAGE_ROLES, "team": TEAM_ROLES} if colon else {"site": SITE_ROLES}
    kind = next((kind for kind, roles in known.items() if role in roles), None)
    if not equals or not group.strip() or kind is None or (colon and not _NAME.fullmatch(what)):
        raise ValueError(
            "groups and what they give, such as acme-admins=admin, platform=owner:acme-core,"
            " data=team-member:data"
        )
    package = re.sub(r"[-_.]+", "-", what).lower() if kind == "package" else None
    return GroupRole(group.strip(), role, package, what.lower() if kind == "team" else None)


def faults(values: Mapping[str, Any]) -> list[str]:
    """What does not fit together; `values` are of settings that are right on their own."""
    if values.get("sso_issuer"):
        return [] if values.get("sso_client_id") else ["PACKSLIP_SSO_ISSUER needs a CLIENT_ID"]
    if values.get("sso_only") is SsoOnly.YES:
        return ["PACKSLIP_SSO_ONLY needs PACKSLIP_SSO_ISSUER"]
    return []


SSO_SETTINGS = (
    Setting(
        "sso_issuer",
        "",
        "The OpenID Connect provider through which people log in, as it calls itself: "
        "`https://id.example.com/realms/acme`. Empty: there is none.",
        issuer,
    ),
    Setting("sso_client_id", "", "What the provider calls this index.", lambda text: text.strip()),
    Setting(
        "sso_client_secret",
        "",
        "The secret that the provider gave this index. Empty for a public client.",
        lambda text: text.strip(),
    ),
    Setting(
        "sso_name",
        "",
        "What the button on the log-in page calls the provider. Empty: its host.",
        lambda text: " ".join(text.split()),
    ),
    Setting(
        "sso_scopes",
        "openid profile email",
        "What the provider is asked to tell of people.",
        scopes,
    ),
    Setting(
        "sso_groups_claim",
        "groups",
        "The claim in which the provider tells somebody's groups.",
        lambda text: text.strip(),
    ),
    Setting(
        "sso_roles",
        "",
        "What the provider's groups give, separated by commas: `acme-admins=admin, "
        "platform=owner:acme-core, data=team-member:data-platform`.",
        roles,
    ),
    Setting(
        "sso_registration",
        "link",
        "Whom the provider lets in for the first time: `link` (whoever has an account and links "
        "it), `groups` (accounts are made for whoever is in a group of `sso_roles`) or `create` "
        "(for everybody).",
        setting_values.choice(SsoRegistration),
    ),
    Setting(
        "sso_linking",
        "password",
        "How an account is linked: `password` (its user does it on their account page) or `email` "
        "(also by itself, where both sides have confirmed the same e-mail address).",
        setting_values.choice(SsoLinking),
    ),
    Setting(
        "sso_only",
        "no",
        "Whether passwords and passkeys of this index are taken of admins alone: `yes` or `no`.",
        setting_values.choice(SsoOnly),
    ),
    Setting(
        "sso_second_factor",
        "own",
        "What counts behind the provider for those who have a second factor here: `own` (it is "
        "asked for), `amr` (unless the provider says that it asked for several) or `provider` "
        "(never asked for).",
        setting_values.choice(SsoSecondFactor),
    ),
)
