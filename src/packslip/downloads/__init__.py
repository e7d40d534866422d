"""Downloads: recorded, counted, reported."""
