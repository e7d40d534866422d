"""A Python package index for a team, with notes."""

# Before the import: the pages show it.
__version__ = "0.1.0"

from packslip.app import create_app

__all__ = ["create_app"]
