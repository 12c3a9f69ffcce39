"""Backup and restore of a bus: what is stored, in which order, and how it becomes the same bus again."""
