"""Keys that this gateway trusts: those of the bus on disk, and those that other issuers publish."""
