"""Helpers for Flask that know no domain."""
