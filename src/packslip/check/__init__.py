"""What the index and the team's notes say about the pins of a lock file."""
