"""The conformance tests that every adapter passes before anybody depends on it."""
