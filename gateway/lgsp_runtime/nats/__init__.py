"""Connections to NATS: nats-py's for everything administrative, and a fast client of our own for the subjects of calls."""
