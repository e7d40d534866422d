"""Packages with all that belongs to them, as files of an open layout."""
