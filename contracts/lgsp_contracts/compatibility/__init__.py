"""Compatibility of contract versions: whether a new version can replace the last one without changes to its callers."""

from lgsp_contracts.compatibility.contract_changes import BreakingChange, breaking_changes
from lgsp_contracts.compatibility.field_titles import differ_in_titles_alone

__all__ = ["BreakingChange", "breaking_changes", "differ_in_titles_alone"]
