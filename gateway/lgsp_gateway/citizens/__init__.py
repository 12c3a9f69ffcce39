"""What citizens ask agencies about an entry of their access log, and what the agencies answer."""
