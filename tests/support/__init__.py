"""What the tests start: a real nats-server, real gateways in processes of their own, real adapters."""
