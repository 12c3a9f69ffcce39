"""Proving what the log says, with nothing but a public key: no NATS, no HTTP."""
