"""The file `config.py` of the data folder, as Flask reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Config

from packslip.settings import load_settings


def instance_config() -> Mapping[str, Any]:
    """What `config.py` in the data folder says, if there is one.

    Raises:
        SettingsError: a setting is wrong.
    """
    config = Config(os.fspath(load_settings().data))
    config.from_pyfile("config.py", silent=True)
    return config
