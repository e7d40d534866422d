"""The issuers that the current application trusts."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from packslip.publishers.issuers import Issuers
from packslip.settings import Settings

_EXTENSION = "packslip_issuers"


def init_app(app: Flask, settings: Settings) -> None:
    """Let the application trust the issuers that are set."""
    app.extensions[_EXTENSION] = Issuers(settings.oidc_issuers)


def current_issuers() -> Issuers:
    """Those of the current application."""
    return cast("Issuers", current_app.extensions[_EXTENSION])
