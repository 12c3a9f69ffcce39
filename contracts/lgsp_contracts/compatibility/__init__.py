"""May a new version of a contract take the place of the last one while its callers stay as they are?"""

from lgsp_contracts.compatibility.contract_changes import BreakingChange, breaking_changes

__all__ = ["BreakingChange", "breaking_changes"]
