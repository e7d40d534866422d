"""Carrying an index over to another database and another storage."""
