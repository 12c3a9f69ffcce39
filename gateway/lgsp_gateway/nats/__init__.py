"""What the gateway does for NATS itself: who may connect, and to which subjects."""
