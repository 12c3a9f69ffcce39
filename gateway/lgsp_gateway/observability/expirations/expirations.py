"""Everything that ends, of all gateways, adapters and the registry: for `lgsp doctor`, `GET /ops/expirations` and the metrics.

Who learns of an end from the caller who is refused has learned it too late; and it is the certificate of the other machine, which
nobody looked at, that ends.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import structlog
from nats.errors import Error as NatsError
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_gateway.observability.expirations.gateway_exchange import GatewayExchange
from lgsp_gateway.observability.expirations.own_ends import OwnEnds
from lgsp_gateway.observability.expirations.registry_ends import DAYS_SHOWN, registry_ends
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text
from lgsp_runtime.background import Background

REFRESH_SECONDS = 60.0
ROUND_SECONDS = 120.0
MAX_NAMED = 10
"""Things that one sentence lists."""
_DAY = 86_400


class Expirations(Collector):
    """What ends, the soonest first, in `items` as of the last round."""

    def __init__(
        self, own: OwnEnds, exchange: GatewayExchange, registry: RegistrySnapshot, adapters: AdapterDiscovery
    ) -> None:
        self.items: list[Expiration] = []
        self._own = own
        self._exchange = exchange
        self._registry = registry
        self._adapters = adapters

    async def start(self, background: Background) -> None:
        """Look every minute from now on, and answer other gateways."""
        self._exchange.own = await self._own.read()
        await self._exchange.start(background)
        background.run_every("expirations", REFRESH_SECONDS, self.refresh, within=ROUND_SECONDS)

    async def refresh(self) -> list[Expiration]:
        """Look now, and return what ends, the soonest first."""
        self._exchange.own = await self._own.read()
        try:
            found = await self._exchange.ask()
        except (NatsError, OSError) as error:
            structlog.get_logger().info("other gateways not asked what ends", error=type(error).__name__)
            found = list(self._exchange.own)
        found += self._of_adapters()
        found += [one async for one in registry_ends(self._registry, time.time())]
        self.items = sorted(set(found), key=lambda one: (one.end, one.kind, one.name))
        return self.items

    def document(self, items: list[Expiration], now: float) -> list[dict[str, Any]]:
        """Return things that end as `GET /ops/expirations` shows them."""
        shown = []
        for one in items:
            text = one.text(now)
            level = {"level": level} if (level := one.level(now)) else {}
            days = one.days_left(now)
            shown.append({**one.document(), "days": days, **level, "detail": {"vi": text.vi, "en": text.en}})
        return shown

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the check by the name under which `lgsp doctor` and the metrics show it. It fails from seven days before an end on."""
        return {"expirations": self._check}

    async def _check(self) -> Text | None:
        now = time.time()
        urgent = [one.text(now) for one in self.items if one.level(now) in {"warning", "critical"}]
        if not urgent:
            return None
        vi, en = (" ".join(text.in_language(language) for text in urgent[:MAX_NAMED]) for language in ("vi", "en"))
        if (more := len(urgent) - MAX_NAMED) > 0:
            vi, en = f"{vi} Và {more} mục khác.", f"{en} And {more} more."
        return Text(vi, en)

    def collect(self) -> Iterator[Metric]:
        """Return the samples of now: of what ends within 60 days, so that a registry of thousands stays small."""
        ends = GaugeMetricFamily(
            "lgsp_expiry_timestamp_seconds",
            "When a certificate, a key, a grant, a contract or a password ends, in seconds since 1970",
            labels=["kind", "name"],
        )
        last = time.time() + DAYS_SHOWN * _DAY
        for one in self.items:
            if one.end <= last:
                ends.add_metric([one.kind, one.name], one.end)
        yield ends

    def _of_adapters(self) -> Iterator[Expiration]:
        for instance in self._adapters.instances:
            for document in instance.status.get("expirations", ()):
                yield Expiration.parse(document)
