"""What is wrong with running NATS servers: `lgsp nats check`."""
