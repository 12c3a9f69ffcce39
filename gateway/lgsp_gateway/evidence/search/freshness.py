"""Measures how far the search index lags behind the evidence, so that an answer from a stale index says since when it is stale.

Where the indexer does not run, or cannot write, a search finds less than there is, and nothing in its result would show it.
"""

import datetime
import time
from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.search.store import Index

NORMAL_SECONDS = 5.0
"""A lag up to this is not reported; usually it is some tenths of a second."""


@dataclass(frozen=True, slots=True)
class IndexLag:
    """The evidence that an index lacks.

    Args:
        batches: how many batches.
        since: when the first of them was written, in seconds since 1970.
    """

    batches: int
    since: float

    @property
    def is_stale(self) -> bool:
        """Tell whether the index lags by more than is normal (`NORMAL_SECONDS`)."""
        return abs(time.time() - self.since) > NORMAL_SECONDS

    @property
    def since_text(self) -> str:
        """Return since when the index lags, as RFC 3339 in Vietnam's time."""
        return datetime.datetime.fromtimestamp(self.since, VIETNAM).isoformat(timespec="seconds")


async def measure_lag(connection: Client, index: Index) -> IndexLag | None:
    """Compare an index with the stream of the evidence; None where it lacks nothing.

    Raises:
        Refusal: `index-unavailable`.
    """
    last_indexed = await index.progress()
    try:
        batches = await entry_stream.last_sequence(connection) - last_indexed
        since = await entry_stream.written_at(connection, last_indexed + 1) if batches > 0 else None
    except (NatsError, OSError):  # without NATS no message passes, so the index lacks nothing new
        return None
    return IndexLag(batches, since) if since else None
