"""A Python package index for a team, with notes."""

from packslip.app import create_app

__version__ = "0.1.0"
__all__ = ["create_app"]
