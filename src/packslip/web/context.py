"""What belongs to the application that answers: its settings, its storage."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from packslip.settings import Settings
from packslip.storage.protocol import Storage

_SETTINGS = "packslip_settings"
_STORAGE = "packslip_storage"


def attach(app: Flask, settings: Settings, storage: Storage) -> None:
    """Give the application its settings and its storage."""
    app.extensions[_SETTINGS] = settings
    app.extensions[_STORAGE] = storage


def current_settings() -> Settings:
    """The settings of the current application."""
    return cast("Settings", current_app.extensions[_SETTINGS])


def current_storage() -> Storage:
    """The storage of the current application."""
    return cast("Storage", current_app.extensions[_STORAGE])
