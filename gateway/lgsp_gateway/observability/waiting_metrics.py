"""How much waits on the whole bus to be delivered, and how much waits for a person: the same numbers from each gateway."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.stored_messages import StoredMessages
from lgsp_problems import Refusal
from lgsp_runtime.background import Background

COUNT_SECONDS = 10.0
"""Between two counts."""


class WaitingMetrics(Collector):
    """Counts messages and dead letters in the background; while they cannot be counted, it shows no number.

    Args:
        work: reads `LGSP_WORK`.
    """

    def __init__(self, work: StoredMessages, dead_letters: DeadLetters, background: Background) -> None:
        self._work = work
        self._dead_letters = dead_letters
        self._waiting: int | None = None
        self._dead: int | None = None
        background.run_every("delivery counts", COUNT_SECONDS, self._count, within=60)

    def collect(self) -> Iterator[Metric]:
        """Iterate over the metrics; see `Collector`."""
        for name, text, number in (
            (
                "lgsp_messages_waiting",
                "Accepted messages that wait for their provider, on the whole bus",
                self._waiting,
            ),
            ("lgsp_dead_letters", "Dead letters that wait for a person, on the whole bus", self._dead),
        ):
            family = GaugeMetricFamily(name, text)
            if number is not None:
                family.add_metric([], number)
            yield family

    async def _count(self) -> None:
        self._waiting = self._dead = None
        try:
            callbacks = await self._work.count("work._callback.>")
            self._waiting = await self._work.count("work.>") - callbacks
            self._dead = await self._dead_letters.count()
        except Refusal:
            return
