"""What gateway and adapters share at run time: the process, its logs and traces, TLS files, and the connections to NATS."""
