"""People: users, tokens, and who may do what."""
