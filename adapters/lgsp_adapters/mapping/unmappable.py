"""What every part of a mapping says of a value that it cannot carry."""

from lgsp_adapters.errors import AdapterError
from lgsp_contracts.source_location import SourceLocation


class MappingError(AdapterError):
    """A value that the mapping cannot carry. Its text names the rule and never the value.

    Args:
        location: of the expression, once that is known.
    """

    def __init__(self, text: str, location: SourceLocation | None = None) -> None:
        super().__init__(text)
        self.location = location
