"""What operations sees: metrics, traces, logs of calls, health."""
