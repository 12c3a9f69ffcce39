"""How far behind the evidence the search index is: an answer from an index that stands still says since when.

An indexer that is not there, or cannot go on, lets a search find less than there is, and nothing in what it finds shows it.
"""

import datetime
import time
from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.search.store import Index

USUAL_SECONDS = 5.0
"""An index that is at work is some tenths of a second behind; that is no news."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What an index lacks.

    Args:
        batches: how many batches of evidence.
        since: when the first of them was written, in seconds since 1970.
    """

    batches: int
    since: float

    @property
    def long(self) -> bool:
        """For longer than it takes an index that is at work?"""
        return abs(time.time() - self.since) > USUAL_SECONDS

    @property
    def shown(self) -> str:
        """Since when (RFC 3339, in Vietnam's time)."""
        return datetime.datetime.fromtimestamp(self.since, VIETNAM).isoformat(timespec="seconds")


async def missing(connection: Client, index: Index) -> Missing | None:
    """Look what an index lacks; None where it lacks nothing.

    Raises:
        Refusal: `index-unavailable`.
    """
    at = await index.progress()
    try:
        batches = await entry_stream.last_sequence(connection) - at
        since = await entry_stream.written_at(connection, at + 1) if batches > 0 else None
    except (NatsError, OSError):  # without NATS nothing passes, so nothing is missing that could be found
        return None
    return Missing(batches, since) if since else None
