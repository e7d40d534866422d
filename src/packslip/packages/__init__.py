"""Packages, releases, files, and how they are published."""
