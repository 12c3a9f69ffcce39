"""Compatibility of contract versions: whether a new version can replace the last one without changes to its callers."""

from lgsp_contracts.compatibility.contract_changes import BreakingChange, breaking_changes

__all__ = ["BreakingChange", "breaking_changes"]
