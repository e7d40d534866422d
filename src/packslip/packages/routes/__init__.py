"""Pages about one package for those who look after it."""
