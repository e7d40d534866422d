"""The addresses that pip, uv and twine know."""
