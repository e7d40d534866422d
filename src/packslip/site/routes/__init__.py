"""Pages, feeds and health."""
