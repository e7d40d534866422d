"""Whether rows and bytes agree, and what is done where they do not."""
