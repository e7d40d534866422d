"""Settings of trusted publishing."""

from __future__ import annotations

from dataclasses import dataclass

from packslip.setting_choices import Attestations
from packslip.setting_values import Setting, choice
from packslip.sso_settings import issuer

#: Characters of an issuer, which is kept with each publisher.
LONGEST_ISSUER = 300


@dataclass(frozen=True)
class PublisherSettings:
    """Who says which program it is that publishes."""

    #: Whose identities programs may publish with.
    oidc_issuers: tuple[str, ...]
    #: What is done with attestations that come with an upload.
    attestations: Attestations


def issuers(text: str) -> tuple[str, ...]:
    """Addresses of issuers of identities, as they call themselves."""
    given = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    if any(len(address) > LONGEST_ISSUER for address in given):
        raise ValueError("addresses that are shorter")
    return tuple(issuer(address) for address in given)


PUBLISHER_SETTINGS = (
    Setting(
        "oidc_issuers",
        "https://token.actions.githubusercontent.com, https://gitlab.com",
        "Whose identities programs may publish with, as trusted publishers of packages: addresses "
        "of OpenID Connect issuers, separated by commas. Empty: nobody's.",
        issuers,
    ),
    Setting(
        "attestations",
        "store",
        "What is done with attestations that come with an upload (PEP 740): `store` (kept if they "
        "are about the file) or `verify` (a trusted publisher of the package must have signed "
        "them, too).",
        choice(Attestations),
    ),
)
