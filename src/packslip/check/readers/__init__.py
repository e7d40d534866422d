"""Lock files as the tools write them, read into pins. Pure: no framework, no database."""
