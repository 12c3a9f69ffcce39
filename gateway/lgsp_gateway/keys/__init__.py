"""The keys of the gateway and of other issuers."""
