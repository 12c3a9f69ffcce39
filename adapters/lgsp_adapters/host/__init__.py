"""Runs on the bus what manifests describe: processes, connections, deadlines, retries, health, and rows that become calls."""
