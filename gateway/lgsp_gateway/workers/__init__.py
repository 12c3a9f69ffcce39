"""Processes beside the event loop, for what would keep everybody waiting."""
