"""The keys that sign tokens: those of the bus on disk, and those that other issuers publish."""
