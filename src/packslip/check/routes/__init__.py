"""Addresses of the check."""
