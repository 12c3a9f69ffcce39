"""Dates between the bus (ISO 8601) and the formats of the national systems."""

from datetime import datetime

from lgsp_adapters.adapter import UpstreamFailed


def iso(text: str, layout: str) -> str:
    """A date of a national system in ISO 8601; `layout` as in strptime.

    Raises:
        UpstreamFailed: it is no such date. The date itself is not quoted.
    """
    try:
        return datetime.strptime(text, layout).date().isoformat()
    except ValueError:
        raise UpstreamFailed("unintelligible", f"a date is not in the form {layout}") from None


def from_iso(text: str, layout: str) -> str:
    """An ISO 8601 date in the form of a national system."""
    return datetime.fromisoformat(text).strftime(layout)
