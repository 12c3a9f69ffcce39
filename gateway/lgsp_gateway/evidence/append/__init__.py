"""Appending to the log: entries in batches, checkpoints over them."""
