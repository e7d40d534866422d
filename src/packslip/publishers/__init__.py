"""Trusted publishers: programs elsewhere that may upload without a password or a lasting token."""
