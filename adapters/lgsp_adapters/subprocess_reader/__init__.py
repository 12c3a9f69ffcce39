"""Parses files of others in a process of its own, which may crash without harm to calls."""
