"""Takes events from their publishers: checked against the contract, stored once, and written down as evidence."""
