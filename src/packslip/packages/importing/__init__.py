"""Filling the index from folders: distributions, and documents that describe packages."""
