"""Finding packages by words."""
