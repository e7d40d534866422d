"""Addresses about attestations."""
