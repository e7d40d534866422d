"""Three nodes, a database that fails over, an object store and proxies, each in its own network."""
