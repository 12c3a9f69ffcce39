"""Certificates of the HTTP door that the gateways get and renew themselves, from an ACME authority (RFC 8555)."""
