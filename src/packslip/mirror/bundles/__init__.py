"""Bundles: what a mirror holds as one archive, to be carried where no upstream is.

docs/mirror.md describes the format.
"""
