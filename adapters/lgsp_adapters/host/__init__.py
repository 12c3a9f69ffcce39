"""How what manifests describe is kept on the bus: processes, connections, deadlines, retries, and what they say of their health."""
