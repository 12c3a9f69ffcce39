"""Publishes the occurrences of one event that a connector watches for, and holds those that fail.

One that makes no event, or whose event is refused, is tried again later and later; later ones of its ordering key wait behind it. One that has
changed and kept the id of an event that was published counts as that event: it is logged and counted, and not published again.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from lgsp_adapters.adapter import EventIdUsed, EventPublisher, PublicationRefused
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.source import EventSource, Occurrence
from lgsp_contracts import exact_json
from lgsp_contracts.contract import Contract
from lgsp_runtime.error_frames import frames

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
DIGEST_BYTES = 5
"""Enough to notice a change; nobody gains by a collision."""
CHAIN_BYTES = 10
SHOWN_FAULTS = 10
"""Held occurrences that the health of the adapter lists."""


@dataclass(slots=True)
class Held:
    """An occurrence that makes no accepted event yet, or of which the system was not told.

    Args:
        accepted: its event is on disk, and only the system has to be told.
    """

    fault: str
    accepted: bool = False
    pause: float = FIRST_RETRY
    again_at: float = 0.0


@dataclass(slots=True)
class WatchStatus:
    """What operations see of a watch, in the health of the adapter."""

    state: str = "starting"
    published: int = 0
    changed: int = 0
    last_event: float = 0.0
    last_read: float = 0.0
    next_look: float = 0.0
    reason: str = ""
    held: dict[str, Held] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as a document: counts, and times in seconds since 1970 (0: never)."""
        shown = list(self.held.items())[:SHOWN_FAULTS]
        return {
            "state": self.state,
            "published": self.published,
            "changed": self.changed,
            "lastEvent": round(self.last_event, 3),
            "lastRead": round(self.last_read, 3),
            "nextLook": round(self.next_look, 3),
            "reason": self.reason,
            "held": len(self.held),
            "faults": [{"event": event, "fault": held.fault} for event, held in shown],
        }


class OccurrencePublisher:
    """Publishes the occurrences of one event.

    Args:
        event: its name in the contract.
        status: what operations see; it has the held occurrences.
    """

    def __init__(
        self, event: str, source: EventSource, contract: Contract, publisher: EventPublisher, status: WatchStatus
    ) -> None:
        self._event = event
        self._source = source
        self._ordering_key_of = contract.events[event].ordering_key_of
        self._publisher = publisher
        self._status = status
        self._log = structlog.get_logger().bind(service=contract.service, event=event)

    def chain_of(self, occurrence: Occurrence) -> str:
        """Name what is published one after the other: a digest of the ordering key of an occurrence, or of its id alone."""
        key = occurrence.ordering_key if occurrence.fault else self._ordering_key_of(occurrence.data)
        named = f"key {key}" if key is not None else f"id {occurrence.id}"
        return hashlib.blake2b(named.encode(), digest_size=CHAIN_BYTES).hexdigest()

    async def publish(self, occurrences: Sequence[Occurrence], held_chains: set[str]) -> set[str]:
        """Publish occurrences, those of a chain in their order, and return the ids of those that are settled.

        Args:
            held_chains: nothing of them is published; those are added of which something is held.
        """
        chains: dict[str, list[Occurrence]] = {}
        for occurrence in occurrences:
            chains.setdefault(self.chain_of(occurrence), []).append(occurrence)
        settled: set[str] = set()
        await asyncio.gather(
            *(self._publish_chain(name, chain, settled, held_chains) for name, chain in chains.items())
        )
        return settled

    def is_due(self, event: str) -> bool:
        """Tell whether a held occurrence is to be tried now."""
        held = self._status.held.get(event)
        return held is None or held.again_at <= time.monotonic()

    def count_change(self, occurrence: Occurrence, **details: Any) -> None:
        """Log and count an occurrence that changed under the id of an event that was published."""
        self._status.changed += 1
        self._log.warning(
            "changed under the id of its event, and not published again",
            id=occurrence.id,
            watermark=positions.shown(occurrence.position),
            **details,
        )

    async def _publish_chain(
        self, name: str, chain: Sequence[Occurrence], settled: set[str], held_chains: set[str]
    ) -> None:
        for occurrence in chain:
            if name in held_chains or not await self._is_settled(occurrence):
                held_chains.add(name)
                return
            settled.add(occurrence.id)

    async def _is_settled(self, occurrence: Occurrence) -> bool:
        """Publish an occurrence and tell the system; return whether both worked. One that is held is left until its time has come."""
        if not self.is_due(occurrence.id):
            return False
        held = self._status.held.get(occurrence.id)
        was_accepted = held is not None and held.accepted
        fault, is_accepted = (
            (occurrence.fault, False) if occurrence.fault else await self._publish(occurrence, was_accepted)
        )
        if fault:
            self._hold(occurrence, fault, held, is_accepted)
            return False
        self._status.held.pop(occurrence.id, None)
        return True

    async def _publish(self, occurrence: Occurrence, was_accepted: bool) -> tuple[str, bool]:
        """Publish an event, unless that is done, and tell the system; return what went wrong, and whether the event is accepted."""
        is_accepted = was_accepted
        try:
            if not was_accepted:
                await self._publish_once(occurrence)
                is_accepted = True
            await self._source.acknowledge(occurrence)
        except PublicationRefused as refused:
            return f"{refused.code}: {refused.detail.en}", is_accepted
        except AdapterError as error:
            self._log.warning("received event not marked", reason=str(error), frames=frames(error))
            return f"accepted, but the system was not told: {error}", is_accepted
        self._status.published += 1
        self._status.last_event = time.time()
        return "", is_accepted

    async def _publish_once(self, occurrence: Occurrence) -> None:
        """Publish an event. One that was published under its id before counts as it was then, whatever its row says now."""
        try:
            await self._publisher.publish(self._event, occurrence.data, id=occurrence.id, time=occurrence.time or None)
        except EventIdUsed as used:
            self.count_change(occurrence, frames=frames(used))

    def _hold(self, occurrence: Occurrence, fault: str, held: Held | None, is_accepted: bool) -> None:
        if held is None or held.fault != fault:
            watermark = positions.shown(occurrence.position)
            self._log.warning("occurrence held", id=occurrence.id, watermark=watermark, fault=fault)
        pause = min(held.pause * 2, LONGEST_RETRY) if held else FIRST_RETRY
        self._status.held[occurrence.id] = Held(fault, is_accepted, pause, time.monotonic() + pause)


def digest_of(occurrence: Occurrence) -> str:
    """Return a digest that tells whether the data of an event has changed; "" where the publisher will say what is wrong with it."""
    try:
        data = exact_json.dumps(occurrence.data)
    except exact_json.NotSerializable:
        return ""
    return hashlib.blake2b(data, key=occurrence.id.encode()[:64], digest_size=DIGEST_BYTES).hexdigest()
