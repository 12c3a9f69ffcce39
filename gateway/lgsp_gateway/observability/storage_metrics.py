"""The metrics of what is stored: the room of each server and disk, the bytes of each stream, and of each agency beside its quota."""

from collections.abc import Iterator

from nats.aio.client import Client
from nats.errors import Error as NatsError
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_runtime.background import Background

READ_SECONDS = 10.0
"""Between two readings of the streams."""


class StorageMetrics(Collector):
    """What is stored, which every gateway reports alike. What cannot be read is not shown.

    Args:
        connection: reads how large the streams are.
    """

    def __init__(self, bounds: StorageBounds, connection: Client, background: Background) -> None:
        self._bounds = bounds
        self._connection = connection
        self._streams: dict[str, int] = {}
        background.run_every("sizes of streams", READ_SECONDS, self._read_streams, within=60)

    def collect(self) -> Iterator[Metric]:
        """Iterate over the metrics; see `Collector`."""
        used = GaugeMetricFamily("lgsp_storage_used_bytes", "Bytes that are used", labels=["room"])
        limit = GaugeMetricFamily("lgsp_storage_limit_bytes", "Bytes that may be used", labels=["room"])
        reserve = GaugeMetricFamily(
            "lgsp_storage_reserve_bytes", "Free bytes below which nothing new is accepted", labels=["room"]
        )
        for room in self._bounds.space.rooms():
            used.add_metric([room.name], room.used)
            limit.add_metric([room.name], room.limit)
            reserve.add_metric([room.name], room.reserve)
        yield from (used, limit, reserve)
        streams = GaugeMetricFamily("lgsp_stream_bytes", "Bytes of a stream of NATS", labels=["stream"])
        for name, size in self._streams.items():
            streams.add_metric([name], size)
        yield streams
        agencies = GaugeMetricFamily(
            "lgsp_agency_stored_bytes",
            "Bytes of the waiting messages, kept answers and states, events and dead letters of an agency",
            labels=["agency"],
        )
        quotas = GaugeMetricFamily(
            "lgsp_agency_storage_quota_bytes",
            "Bytes that an agency may store, its files included; of agencies that have stored anything",
            labels=["agency"],
        )
        for usage in self._bounds.usage():
            stored = usage.messages + usage.dead_letters
            if stored:
                agencies.add_metric([usage.agency], stored)
            if usage.quota is not None:
                quotas.add_metric([usage.agency], usage.quota)
        yield from (agencies, quotas)

    async def _read_streams(self) -> None:
        self._streams = {}
        try:
            found = await self._connection.jetstream().streams_info()
        except (NatsError, OSError):
            return
        self._streams = {str(info.config.name): info.state.bytes for info in found}
