"""E-mail to people: a queue in the database, and what sends it."""
