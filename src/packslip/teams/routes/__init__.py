"""Addresses about teams."""
