"""Drafts to begin with: manifests out of contracts, and both out of what a system says of itself."""
