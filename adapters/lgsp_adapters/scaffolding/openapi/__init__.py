"""Drafts of a contract and a manifest out of an OpenAPI document."""
