"""Applications for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from packslip import create_app


def make_app(folder: Path, database_url: str, **settings: Any) -> Flask:
    """An application with its data in `folder`; settings are named as in the environment."""
    return create_app(
        {
            "TESTING": True,
            "SECRET_KEY": "for tests",
            "PACKSLIP_DATA": folder,
            "PACKSLIP_DATABASE_URL": database_url,
            "PACKSLIP_BASE_URL": "http://packages.example.com",
            **settings,
        }
    )
