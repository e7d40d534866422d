"""Pages and forms of notes."""
