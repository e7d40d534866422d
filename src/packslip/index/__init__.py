"""What pip, uv and twine talk to."""
