"""What gateways tell each other of delivery: which lanes wait and why, which endpoints fail, what waits for subscriptions.

A gateway knows that of the lanes that it serves alone, and people ask whichever gateway they reach, which may serve none. So each says it
once a second on core NATS, as long as there is anything to say. A report is complete by itself: a lost one is followed by the next.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_runtime.background import Background

SUBJECT: Final = "lgsp.delivery.reports"
REPORT_SECONDS = 1.0
COUNTS_SECONDS = 5.0
"""For how long a report counts."""
MAX_NAMED = 1000
"""Lanes, endpoints and subscriptions of one report, each: what NATS takes in one message is 1 MiB where nothing else is configured."""


class LanePause(NamedTuple):
    """Why a lane waits.

    Args:
        reason: a problem code or another fixed word.
        until: when something is tried again, in seconds since 1970.
    """

    reason: str
    until: float


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one gateway knows of what it delivers.

    Args:
        pauses: why each lane waits that is paused, by its name.
        failing: the system of each endpoint whose breaker is open, by its id.
        waiting: how many events wait for each subscription, by its id; not of those for which none does.
    """

    pauses: Mapping[str, LanePause] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, dict[str, object]]:
        """Return the report as it is sent, with so many entries of each kind at most."""
        pauses = {lane: list(pause) for lane, pause in self.pauses.items()}
        kinds: dict[str, Mapping[str, object]] = {"pauses": pauses, "failing": self.failing, "waiting": self.waiting}
        return {kind: dict(islice(entries.items(), MAX_NAMED)) for kind, entries in kinds.items() if entries}


class DeliveryReports:
    """The reports of all gateways.

    Args:
        gateway: the name of this gateway.
        own: returns its report now.
        clock: returns monotonic seconds.
    """

    def __init__(
        self, gateway: str, own: Callable[[], DeliveryReport], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gateway = gateway
        self._own = own
        self._clock = clock
        self._connection: Client | None = None
        self._others: dict[str, tuple[float, DeliveryReport]] = {}
        self._had_anything = False

    async def start(self, connection: Client, background: Background) -> None:
        """Report to the others, and listen to them, from now on."""
        self._connection = connection
        await connection.subscribe(SUBJECT, cb=background.guard("delivery reports of others", self._on_report))
        background.run_every("delivery report", REPORT_SECONDS, self._report, within=10)

    def pauses(self) -> dict[str, LanePause]:
        """Return why each lane waits that does, by its name."""
        return {lane: pause for report in self._all() for lane, pause in report.pauses.items()}

    def pause_of(self, lane: str) -> LanePause | None:
        """Return why a lane waits; None where it does not."""
        return next((report.pauses[lane] for report in self._all() if lane in report.pauses), None)

    def is_failing(self, endpoint: str) -> bool:
        """Tell whether the breaker of an endpoint is open at any gateway."""
        return any(endpoint in report.failing for report in self._all())

    def failing_systems(self) -> set[str]:
        """Return the systems that have an endpoint whose breaker is open."""
        return {system for report in self._all() for system in report.failing.values()}

    def waiting(self) -> dict[str, int]:
        """Return how many events wait for each subscription for which any do, by its id."""
        waiting: dict[str, int] = {}
        for report in self._all():
            waiting |= report.waiting
        return waiting

    def _all(self) -> Iterator[DeliveryReport]:
        now = self._clock()
        yield from (report for at, report in self._others.values() if now - at < COUNTS_SECONDS)
        yield self._own()

    async def _report(self) -> None:
        document = self._own().document()
        if self._connection is None or not (document or self._had_anything):
            return
        self._had_anything = bool(document)
        try:
            await self._connection.publish(SUBJECT, orjson.dumps({"gateway": self._gateway, **document}))
        except (NatsError, OSError):
            return  # without a connection nobody else is heard either

    async def _on_report(self, message: Msg) -> None:
        document = orjson.loads(message.data)
        now, gateway = self._clock(), document.pop("gateway")
        self._others = {name: one for name, one in self._others.items() if now - one[0] < COUNTS_SECONDS}
        if gateway != self._gateway:
            pauses = {lane: LanePause(*pause) for lane, pause in document.pop("pauses", {}).items()}
            self._others[gateway] = (now, DeliveryReport(pauses, **document))
