"""The management API over HTTP: registry, catalogue, evidence, operations, tokens."""
