"""The provider that the current application has, and what pages say of it."""

from __future__ import annotations

import importlib.util
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from packslip.accounts.login_flow import has_left
from packslip.errors import NotFoundError, SettingsError
from packslip.setting_choices import SsoOnly
from packslip.settings import Settings
from packslip.web.context import current_settings

if TYPE_CHECKING:
    from packslip.sso.provider import Provider

_EXTENSION = "packslip_sso_provider"
_lock = threading.Lock()


class NoProviderError(NotFoundError):
    """Nobody logs in here through a provider."""

    def __init__(self) -> None:
        super().__init__("There is no single sign-on here.")


@dataclass(frozen=True)
class Shown:
    """What pages say of the provider."""

    name: str
    #: Passwords are taken of admins alone.
    only: bool
    #: It did not answer a moment ago.
    is_down: bool
    #: Somebody who came through it has just logged out.
    has_left: bool


def init_app(app: Flask, settings: Settings) -> None:
    """Tell templates of the provider, if one is set.

    Raises:
        SettingsError: one is set, and the library is missing.
    """
    if settings.sso_issuer and importlib.util.find_spec("authlib") is None:
        raise SettingsError(["Single sign-on needs a library: pip install 'packslip[sso]'."])
    app.jinja_env.globals["single_sign_on"] = single_sign_on
    app.jinja_env.globals["has_single_sign_on"] = has_single_sign_on


def current_provider() -> Provider:
    """The provider through which people log in.

    Raises:
        NoProviderError: there is none.
    """
    if not has_single_sign_on():
        raise NoProviderError
    with _lock:
        if _EXTENSION not in current_app.extensions:
            # Start-up time, and an extra. A process of its own has connections of its own.
            from packslip.sso.provider import Provider  # noqa: PLC0415

            current_app.extensions[_EXTENSION] = Provider(current_settings())
        return cast("Provider", current_app.extensions[_EXTENSION])


def has_single_sign_on() -> bool:
    """Whether there is a provider."""
    return bool(current_settings().sso_issuer)


def single_sign_on() -> Shown | None:
    """What the log-in page says of the provider; the provider is not asked for it."""
    settings = current_settings()
    if not settings.sso_issuer:
        return None
    provider = current_app.extensions.get(_EXTENSION)
    return Shown(
        name=settings.sso_shown_name,
        only=settings.sso_only is SsoOnly.YES,
        is_down=provider is not None and provider.is_down,
        has_left=has_left(),
    )
