"""Reads files of others in a process of its own, which may die without harm to the calls."""
