"""Pages and addresses that show several domains."""
