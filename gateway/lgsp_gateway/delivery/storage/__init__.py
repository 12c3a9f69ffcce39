"""Writes what is accepted to disk before anybody is told that it is."""
