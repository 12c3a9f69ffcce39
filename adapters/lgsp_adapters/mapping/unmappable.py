"""The error of every part of a mapping for a value that it cannot convert."""

from lgsp_adapters.errors import AdapterError
from lgsp_contracts.source_location import SourceLocation


class MappingError(AdapterError):
    """A value that the mapping cannot convert. The message names the rule and never the value.

    Args:
        reason: what is wrong, without the location.
        location: of the expression, once that is known; the message begins with it.
    """

    def __init__(self, reason: str, location: SourceLocation | None = None) -> None:
        super().__init__(f"{location}: {reason}" if location else reason)
        self.reason = reason
        self.location = location
