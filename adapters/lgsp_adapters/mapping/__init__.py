"""Mappings of a manifest: templates of JMESPath expressions between the contract's documents and those of a system."""
