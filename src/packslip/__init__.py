"""A Python package index for a team, with notes."""

__version__ = "0.1.0"
