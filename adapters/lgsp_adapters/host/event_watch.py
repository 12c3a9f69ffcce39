"""Watches a provider's system for one event: reads what is new, publishes it, and moves on when the bus has it on disk.

At least once with stable ids, so once: what was read and not yet accepted is read again after a crash, and what was accepted and not yet
recorded is published again under the same id, which the bus counts once. An occurrence that makes no event, or whose event is refused, is
held: it is tried again later and later, and keeps the watermark back until so much was accepted behind it that it is set aside; the others go on.
Of several copies of an adapter the one with the lease on the state watches (docs/decisions/045).
"""

import math
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from lgsp_adapters.adapter import EventPublisher
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.host.occurrence_publisher import OccurrencePublisher, WatchStatus, digest_of
from lgsp_adapters.host.watch_states import StateUnavailableError, WatchStates
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.aside import read_again
from lgsp_adapters.watching.positions import Position
from lgsp_adapters.watching.progress import (
    SET_ASIDE_FROM,
    Aside,
    Outcome,
    Progress,
    TooMuchBehindError,
    previous_value,
)
from lgsp_adapters.watching.source import EventSource, Occurrence
from lgsp_contracts.contract import Contract
from lgsp_contracts.watch_state import MAX_LEASE_SECONDS, MAX_STATE_BYTES, WatchHeld
from lgsp_runtime.error_frames import frames

LEASE_MARGIN_SECONDS = 10
"""How much longer than until its next look a copy is waited for."""
LONGEST_PAUSE = 300.0
REQUEST_BYTES = 1024
"""Of a request to write a state, beside the state."""


class _LeaseLostError(AdapterError):
    """Another copy has gone on."""


@dataclass(slots=True)
class _Look:
    """What one look has found so far.

    Args:
        held_chains: of which nothing further is published.
        seen: ids of what was read.
        blocking: what keeps the watermark back, with where it is read again.
        unplaced: what is held for want of a position.
    """

    held_chains: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    blocking: dict[str, Aside] = field(default_factory=dict)
    unplaced: set[str] = field(default_factory=set)


class EventWatch:
    """The watch for one event.

    Args:
        event: its name in the contract.
    """

    def __init__(
        self, event: str, source: EventSource, contract: Contract, publisher: EventPublisher, states: WatchStates
    ) -> None:
        self.status = WatchStatus()
        self._name = f"{contract.service}.v{contract.major}.{event}"
        self._source = source
        self._occurrences = OccurrencePublisher(event, source, contract, publisher, self.status)
        self._states = states
        self._revision = 0
        self._failures = 0
        self._unplaced: set[str] = set()
        """What the look before held for want of a position. While there is such, the watermark stays where it is: corrected
        during a look, it may come to lie behind what that look has read already."""
        self._log = structlog.get_logger().bind(service=contract.service, event=event)

    def pause(self) -> float:
        """Return the seconds until the next look: longer while the system or the bus fails."""
        base = self._source.poll_seconds
        return min(max(LONGEST_PAUSE, base), base * 2.0 ** min(self._failures, 16))

    async def look(self) -> None:
        """Publish what is new, if this copy holds the state. What fails is logged once, and tried at the next look."""
        await self._look()
        self.status.next_look = time.time() + self.pause()

    async def _look(self) -> None:
        try:
            watches = await self._watch_if_held()
        except (AdapterError, TimeoutError, OSError) as error:
            self._record_failure(error)
            return
        self._failures = 0
        self.status.state, self.status.reason = ("watching" if watches else "standby"), ""

    async def stop(self) -> None:
        """Let another copy go on."""
        try:
            await self._states.give_up(self._name)
        except StateUnavailableError as error:
            self._log.info("the lease on the watch ends by itself", reason=str(error), frames=frames(error))

    async def rest(self) -> None:
        """Let another copy go on, while this one is drained."""
        self.status.state, self.status.reason = "standby", ""
        await self.stop()

    @property
    def _lease(self) -> int:
        return min(MAX_LEASE_SECONDS, LEASE_MARGIN_SECONDS + math.ceil(self._source.poll_seconds))

    async def _watch_if_held(self) -> bool:
        taken = await self._states.take(self._name, self._lease)
        if isinstance(taken, WatchHeld):
            return False
        self._revision = taken.revision
        progress = Progress.from_document(taken.state, self._source.start)
        look = _Look()
        if progress.aside:
            await self._retry_aside(progress, look)
        position = progress.from_where(self._source.overlap)
        before: list[str] = []
        while True:
            read = await self._source.read(position)
            self.status.last_read = time.time()
            settled = await self._take_in(read.occurrences, position, progress, look)
            if read.complete:
                self._unplaced = look.unplaced - progress.aside.keys()
                self.status.held = {event: held for event, held in self.status.held.items() if event in look.seen}
                return True
            now = [occurrence.id for occurrence in read.occurrences]
            if progress.watermark is not None:
                position = self._next_position(read.occurrences)
            elif now == before and not settled:
                raise AdapterError("what was read comes again, and nothing of it is accepted; correct what is held")
            before = now

    @staticmethod
    def _next_position(read: Sequence[Occurrence]) -> Position:
        """Return where the next read of this look begins.

        Raises:
            AdapterError: no further read can get past what was read.
        """
        known = [item.position for item in read if item.position is not None]
        if not known:
            raise AdapterError("no row that was read has a usable watermark; correct them, or raise `limit`")
        previous = previous_value(known)
        if previous is None:
            raise AdapterError("more rows share one watermark than `limit` allows; raise it")
        return previous

    async def _take_in(
        self, read: Sequence[Occurrence], since: Position | None, progress: Progress, look: _Look
    ) -> set[str]:
        """Publish what is new of one read, record how far that has come, and return the ids of what was newly settled.

        Args:
            since: the position that was read from.
        """
        contents = {item.id: digest_of(item) for item in read if not item.fault}
        for item in read:
            if progress.is_changed(item.id, contents.get(item.id, "")):
                self._occurrences.count_change(item)
        new = [item for item in read if item.id not in progress.remembered]
        if look.blocking or self._unplaced:
            progress.refuse_too_much(len(new))
        settled = await self._occurrences.publish(new, look.held_chains)
        is_settled = settled | progress.remembered.keys()
        was_blocked = bool(look.blocking)
        if since is not None:
            look.unplaced.update(item.id for item in read if item.position is None)
            look.blocking |= self._blocking(read, since, is_settled | progress.aside.keys())
        look.seen.update(item.id for item in read)
        before = progress.document()
        if look.blocking and len(is_settled) > SET_ASIDE_FROM and progress.set_aside(look.blocking):
            look.blocking = {}
            was_blocked = False
        advances = not was_blocked and not self._unplaced - progress.aside.keys()
        outcomes = [
            Outcome(item.id, item.position, item.id in is_settled, contents.get(item.id, ""), item.id in progress.aside)
            for item in read
        ]
        progress.settle(outcomes, self._source.overlap, datetime.now(UTC), advances=advances)
        state = progress.document()
        if state != before:
            await self._write(state)
        await self._source.settled([outcome.id for outcome in outcomes if outcome.settled])
        return settled

    def _blocking(self, read: Sequence[Occurrence], since: Position, others: Set[str]) -> dict[str, Aside]:
        """Return what keeps the watermark back, with where it is read again.

        Args:
            since: the position that was read from.
            others: ids of what does not.
        """
        found: dict[str, Aside] = {}
        distinct = [since]
        for item in read:
            if item.position is not None and not positions.is_same(item.position, distinct[-1]):
                distinct.append(item.position)
            if item.id not in others:
                before = distinct[-1] if item.position is None else distinct[max(0, len(distinct) - 2)]
                found[item.id] = Aside(before, item.position, self._occurrences.chain_of(item))
        return found

    async def _retry_aside(self, progress: Progress, look: _Look) -> None:
        """Read what is set aside again, where its time has come, and publish it."""
        chains: dict[str, list[str]] = {}
        for event, one in progress.aside.items():
            chains.setdefault(one.chain, []).append(event)
        due = [event for chain in chains.values() if self._occurrences.is_due(chain[0]) for event in chain]
        before = progress.document()
        found = await read_again(self._source, due, progress.aside)
        settled = await self._occurrences.publish([item for item in found.values() if item], set())
        outcomes = [
            Outcome(item.id, item.position, item.id in settled, digest_of(item), aside=True)
            for item in found.values()
            if item
        ]
        gone = [event for event, item in found.items() if item is None]
        for event in gone:
            del progress.aside[event]
        progress.settle(outcomes, self._source.overlap, datetime.now(UTC), advances=False)
        if progress.document() != before:
            await self._write(progress.document())
        look.held_chains.update(one.chain for one in progress.aside.values())
        look.seen.update(progress.aside)

    async def _write(self, state: Mapping[str, Any]) -> None:
        if len(orjson.dumps(state)) > MAX_STATE_BYTES - REQUEST_BYTES:
            raise TooMuchBehindError("what lies behind the watermark is too much to remember; correct what is held")
        written = await self._states.write(self._name, self._lease, self._revision, state)
        if isinstance(written, WatchHeld) or written.state != state:
            raise _LeaseLostError("another copy of the adapter has taken over the watch")
        self._revision = written.revision

    def _record_failure(self, error: BaseException) -> None:
        reason = str(error) or type(error).__name__
        if reason != self.status.reason:
            self._log.warning("watch failed, trying again", reason=reason, frames=frames(error))
        self._failures += 1
        self.status.state, self.status.reason = "failing", reason
