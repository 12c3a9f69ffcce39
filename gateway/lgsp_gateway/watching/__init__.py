"""What operations sees of a gateway: metrics, traces, logs, security events, the adapters around it."""
