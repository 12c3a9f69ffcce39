"""What operators run beside the bus: the configuration of NATS servers."""
