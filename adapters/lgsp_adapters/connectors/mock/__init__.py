"""The connector `mock`: a system that is not there yet."""
