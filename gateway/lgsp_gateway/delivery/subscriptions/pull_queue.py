"""The events of one pull subscription that this gateway holds: which are free, and which a worker has to itself until when.

The lane hands events in (`hold`), in order, and learns when one is settled; those behind it with the same ordering key come after that.
Workers take some and acknowledge them or give them back. What is not acknowledged in time is free again. Its clock is an argument, so
tests need not wait.
"""

import asyncio
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from lgsp_gateway.delivery.subscriptions.pull_tokens import Token
from lgsp_gateway.delivery.subscriptions.subscribed_event import StoredEvent

MAX_EARLY = 1_000
"""Acknowledgements that are remembered of events which another gateway handed out, and which have not come here yet."""

Settlement = Literal["acknowledged", "idle"]
"""How the holding of an event ends; `idle` where no worker has asked for a while, so that it need not be held."""


@dataclass(slots=True)
class HeldEvent:
    """An event that waits for a worker, or that one has.

    Args:
        free_at: from when a worker may take it, on the queue's clock.
        nonce: of the last handing out; "" before the first.
        handed_out: how often it was handed out.
    """

    stored: StoredEvent
    settled: "asyncio.Future[Settlement]"
    free_at: float
    nonce: str = ""
    handed_out: int = 0
    recorded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once its acknowledgement is in the evidence."""


class PullQueue:
    """The events of one subscription at one gateway, until it is replayed: an acknowledgement of before says nothing of what comes again.

    Args:
        clock: in seconds, steady.
    """

    def __init__(self, subscription: str, clock: Callable[[], float], generation: int = 0) -> None:
        self._subscription = subscription
        self.generation = generation
        self._clock = clock
        self._held: OrderedDict[int, HeldEvent] = OrderedDict()
        self._early: OrderedDict[int, None] = OrderedDict()
        self._changed = asyncio.Event()
        self.asked_at = -math.inf
        """When a worker last asked, on the queue's clock."""
        self.lane_paused = False
        """Whether the lane was last told to pause."""

    def hold(self, stored: StoredEvent) -> HeldEvent:
        """Take an event in, until its future `settled` is done or `release` is called."""
        settled: asyncio.Future[Settlement] = asyncio.get_running_loop().create_future()
        held = self._held[stored.position] = HeldEvent(stored, settled, self._clock())
        if self._early.pop(stored.position, _NOT_THERE) is None:
            settled.set_result("acknowledged")
        self._notify()
        return held

    def release(self, held: HeldEvent) -> None:
        """Forget an event; a token of it is worth nothing any more."""
        if self._held.get(held.stored.position) is held:
            del self._held[held.stored.position]

    def free(self) -> Iterator[HeldEvent]:
        """Iterate over the events that a worker may take now, oldest first."""
        now = self._clock()
        return (one for one in list(self._held.values()) if one.free_at <= now and not one.settled.done())

    def hand_out(self, held: HeldEvent, seconds: float) -> Token:
        """Give an event to a worker.

        Args:
            seconds: for which it has the event to itself.
        """
        held.nonce, held.free_at = secrets.token_hex(6), self._clock() + seconds
        held.handed_out += 1
        return Token(self._subscription, self.generation, held.stored.position, held.nonce)

    def acknowledge(self, tokens: Iterable[Token]) -> list[HeldEvent]:
        """Settle events; return those that are held here. An acknowledgement that comes late counts too: the work was done."""
        settled = []
        for token in tokens:
            if token.generation != self.generation:
                continue
            held = self._held.get(token.position)
            if held is None:
                self._early[token.position] = None
                if len(self._early) > MAX_EARLY:
                    self._early.popitem(last=False)
                continue
            if not held.settled.done():
                held.settled.set_result("acknowledged")
            settled.append(held)
        return settled

    def give_back(self, token: Token, seconds: float) -> bool:
        """Let other workers take an event after some seconds; false where its worker does not have it any more."""
        held = self._held.get(token.position) if token.generation == self.generation else None
        if held is None or held.nonce != token.nonce or held.settled.done():
            return False
        held.free_at = self._clock() + seconds
        self._notify()
        return True

    def end_idle(self) -> None:
        """End the holding of all events that no worker has: nobody asks for them."""
        for held in self.free():
            held.settled.set_result("idle")

    def end_all(self) -> None:
        """End the holding of all events: another gateway hands them out from now on, and what workers acknowledge there counts."""
        for held in list(self._held.values()):
            if not held.settled.done():
                held.settled.set_result("idle")

    def note_worker(self) -> None:
        """Note that a worker asks."""
        self.asked_at = self._clock()

    async def wait_for_events(self, seconds: float) -> None:
        """Return when an event may have become free, at the latest after some seconds."""
        self._changed.clear()
        now = self._clock()
        soonest = min((one.free_at - now for one in self._held.values() if one.free_at > now), default=seconds)
        try:
            async with asyncio.timeout(max(0.0, min(seconds, soonest))):
                await self._changed.wait()
        except TimeoutError:
            return

    def _notify(self) -> None:
        self._changed.set()


_NOT_THERE = object()
