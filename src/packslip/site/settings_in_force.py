"""The settings as they are in force, in a form that may be shown: without their secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packslip.settings import PREFIX, SECRETS, SETTINGS, Settings

MASK = "*****"

#: Parameters of an address that hold a secret.
_SECRET_PARAMETER = re.compile(
    r"([?&][^=&]*(?:pass|pwd|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE
)


@dataclass(frozen=True)
class SettingInForce:
    """A setting, its value as text without secrets, and where the value comes from."""

    name: str
    value: str
    origin: str
    help: str


def settings_in_force(settings: Settings) -> list[SettingInForce]:
    """Every setting there is."""
    return [
        SettingInForce(
            name=PREFIX + setting.name.upper(),
            value=_shown(setting.name, getattr(settings, setting.name)),
            origin=settings.origins.get(setting.name, "default"),
            help=setting.help,
        )
        for setting in SETTINGS
    ]


def mask_address(address: str) -> str:
    """The address without the password and other secrets in it, however faulty it may be."""
    scheme, slashes, rest = address.partition("://")
    # Up to the last @, since a password may hold one that was not encoded.
    user, at, host = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    # What stands alone before the @ may be a token.
    shown = f"{name}:{MASK}@{host}" if colon else f"{MASK}@{host}"
    return _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", scheme + slashes + (shown if at else rest))


def _shown(name: str, value: object) -> str:
    if name == "secret_key":
        return f"{MASK} (set)" if value else "made once, kept in the data folder"
    if name in {"metrics_token", "sso_client_secret"}:
        return MASK if value else ""
    if name in SECRETS or name.endswith("_url"):
        return mask_address(str(value))
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
