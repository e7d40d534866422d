"""The mirror: packages of other indexes, kept here and served as if they were our own."""
