"""Backups of everything, and restoring them."""
