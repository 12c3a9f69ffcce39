"""The connection to NATS that gateway and adapters share."""
