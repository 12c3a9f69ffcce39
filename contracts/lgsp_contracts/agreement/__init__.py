"""A second opinion on contracts: jsonschema and jsonschema-rs judge the same documents. Loaded only where a contract is checked or published."""
