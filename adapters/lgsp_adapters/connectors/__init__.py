"""The kinds of adapters: each a way in which the systems of a province can be asked.

A kind is a module with what builds an adapter from a manifest and the contract it answers for, and a schema of its part
of the manifest, `<kind>.schema.json`. The core knows nothing else of it.
"""
