"""Reads pictures of the flows from the search index, for any number of people who look at them.

The index has what passed through all gateways, so each gateway shows the same. Its tables are read at most every few seconds, once for
all questions about a window, and less often where that takes long: calls do not wait for those who watch them.
"""

import time
from typing import TYPE_CHECKING

from nats.aio.client import Client

from lgsp_gateway.evidence.search.flow_counts import FlowCounts, Parties, WindowBounds
from lgsp_gateway.observability.flows.composer import compose_picture, select_flows
from lgsp_gateway.observability.flows.picture import Picture
from lgsp_gateway.observability.flows.question import Question
from lgsp_gateway.observability.flows.shared_results import SharedResults
from lgsp_gateway.registry.snapshot import RegistrySnapshot

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

SECONDS = {"1m": 1.0, "1h": 5.0, "1d": 15.0}
"""How old a picture of each window may be."""
SERVICES_IN_LATENCY = 40
"""Those with the most calls."""

Counted = tuple[WindowBounds, dict[Parties, FlowCounts]]


class FlowReader:
    """The pictures of the flows in one gateway.

    Args:
        registry: tells titles, and which system belongs to which agency.
        connection: to NATS; tells whether the index lags behind the evidence.
    """

    def __init__(self, index: "Index", registry: RegistrySnapshot, connection: Client) -> None:
        self._index = index
        self._registry = registry
        self._connection = connection
        self._counted: SharedResults[str, Counted] = SharedResults(self._count, SECONDS.__getitem__)
        self._pictures: SharedResults[Question, Picture] = SharedResults(
            self._compose, lambda question: SECONDS[question.window]
        )

    async def picture(self, question: Question) -> Picture:
        """Return the picture that answers a question; its time says how old it is.

        Raises:
            Refusal: `index-unavailable`.
        """
        return await self._pictures.get(question)

    async def _count(self, window: str) -> Counted:
        within = WindowBounds.of_window(window, time.time())
        return within, await self._index.flows(within)

    async def _compose(self, question: Question) -> Picture:
        within, flows = await self._counted.get(question.window)
        selection = await select_flows(question, flows, within, self._registry)
        series = await self._index.traffic(within, selection.clauses)
        latency = await self._index.latency(within, selection.services(SERVICES_IN_LATENCY), selection.clauses)
        return await compose_picture(selection, series, latency, self._registry, await self._stale_since())

    async def _stale_since(self) -> str:
        from lgsp_gateway.evidence.search.freshness import measure_lag  # noqa: PLC0415 - the database's library takes 0.2 s to load

        lag = await measure_lag(self._connection, self._index)
        return lag.since_text if lag and lag.is_stale else ""
