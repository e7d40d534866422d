"""Attestations: what comes with a file to show where it was made (PEP 740)."""
