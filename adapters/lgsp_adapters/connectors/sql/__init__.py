"""The connector `sql`: a system that is a database."""
