"""Addresses about trusted publishers."""
