"""Long trials: what the index survives, and what is lost when it does not."""
