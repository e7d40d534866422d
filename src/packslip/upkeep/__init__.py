"""Letting go of what is not needed any more."""
