"""The outcome of one conformance test."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConformanceResult:
    """One test and its outcome. `outcome` holds no value of a document; `upstream_message`, the system's own error
    message, may, so it is left out of reports."""

    operation: str
    what: str
    passed: bool
    outcome: str
    upstream_message: str = ""
