"""Run-time support that gateway and adapters share: the process, its logs and traces, TLS files, and the connections to NATS."""
