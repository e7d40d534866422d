"""Teams: groups of users that look after packages, and names that begin alike, together."""
