"""Who is told of events that are published: the metrics and logs, which `delivery` does not know."""

from typing import Protocol

from lgsp_gateway.delivery.entries import EventEntry
from lgsp_problems import Refusal


class PublicationObserver(Protocol):
    """Is told of each event once."""

    def begins_trace(self, trace: str) -> bool:
        """Tell whether to record a trace that begins here, by its id (32 hex digits)."""

    def published(self, entry: EventEntry) -> None:
        """Take note of an event that is on disk, now or since before."""

    def publication_refused(self, entry: EventEntry, refusal: Refusal) -> None:
        """Take note of an event that was refused, with or without evidence."""
