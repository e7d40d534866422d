"""Who is told of what happens: people who watch packages, and webhooks."""
