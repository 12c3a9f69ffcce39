"""What every part of a mapping says of a value that it cannot carry."""


class Unmappable(Exception):  # noqa: N818 - a value is, nothing has gone wrong
    """A value that the mapping cannot carry. Its text names the rule and never the value."""
