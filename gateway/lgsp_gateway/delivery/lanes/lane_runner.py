"""Serves one lane at this gateway: pulls its messages, tries them, and tells the server what became of each.

Exclusive is what the server makes so: it gives the messages to the gateway that holds the pin. When the pin is new, after a lost connection,
and after a pause, ordered messages wait (`barrier.py`) for what may be with another gateway: that one gives up when it has not been able to keep
a message alive for `ACK_WAIT_SECONDS`, or hears that the pin is another's.

Everything happens in callbacks on the event loop; a lane without messages has no task, and a thousand of them cost a pull every 30 s each.
"""

import asyncio
import random
import time
from functools import partial

from lgsp_gateway.delivery.lanes.attempts import Attempts, RunningAttempts, SettledMessages
from lgsp_gateway.delivery.lanes.barrier import Barrier
from lgsp_gateway.delivery.lanes.breaker import Breaker
from lgsp_gateway.delivery.lanes.consumer import (
    PIN_ID,
    Arrival,
    Consumer,
    ConsumerState,
    PullEnd,
    make_delivery,
)
from lgsp_gateway.delivery.lanes.held_messages import Held, HeldMessages, State
from lgsp_gateway.delivery.lanes.lane import (
    ACK_WAIT_SECONDS,
    Dead,
    Delivery,
    Done,
    LaneConfig,
    LaneHandler,
    LaneState,
    Outcome,
    PauseLane,
    RetryAfter,
    unordered,
)
from lgsp_gateway.delivery.lanes.turns import Turns
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnknownKeyError
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.protocol import decode_headers
from lgsp_runtime.nats.request_reply import NatsRequestReply

KEEP_ALIVE_SECONDS = ACK_WAIT_SECONDS / 3
GIVE_UP_SECONDS = 0.5
"""Before the server delivers a message again, an ordered attempt is cancelled that could not be kept alive."""
ARRIVAL_SECONDS = 0.5
"""After a pause, for the messages that were handed back to come again."""
UNKNOWN_NUMBER = 2**63
RESTART_SECONDS = 0.2, 5.0
"""The first and the longest pause between two attempts to make a consumer."""
MEMORY_BYTES = 8 * 1024 * 1024
"""Of payloads of one lane, as far as the messages of before tell the size of the next."""


class LaneRunner:
    """One lane at one gateway.

    Args:
        inbox: the prefix of the subjects that its pulls are answered on, which ends with a dot.
        slots: of lanes that make their consumers at the same time.
        turns: in which the lanes of a gateway start attempts.
    """

    def __init__(
        self,
        config: LaneConfig,
        handler: LaneHandler,
        bus: NatsRequestReply,
        inbox: str,
        background: Background,
        slots: asyncio.Semaphore,
        turns: Turns,
        cipher: PayloadCipher | None = None,
    ) -> None:
        self._cipher = cipher
        self.config = config
        self.inbox = inbox
        self.attempts = Attempts(config, handler)
        self._bus = bus
        self._background = background
        self._slots = slots
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._consumer = Consumer(bus, config, inbox)
        self._held = HeldMessages(config.window)
        self._barrier = Barrier(self._held)
        self._breaker = Breaker(random.random)
        self._settled = SettledMessages()
        self._running = RunningAttempts(config.name)
        self._is_made = False
        self._serving = False
        self._starting: asyncio.Task[None] | None = None
        self._paused = False
        self._asking = False
        self._suspected_pin = ""
        self._kept_alive_at = 0.0
        self._mean_size = 0.0
        self._last_sequence: int | None = None

    @property
    def is_serving(self) -> bool:
        """Tell whether this gateway serves the lane."""
        return self._serving

    def state(self) -> LaneState:
        """Return what this gateway knows of the lane."""
        end = self._breaker.open_until
        paused_until = None if end is None else end - self._loop.time() + time.time()
        running, reason = self._held.running, self._breaker.reason
        return LaneState(self.config.name, self._serving, running, len(self._held) - running, paused_until, reason)

    async def ensure(self) -> None:
        """Make the consumer of the lane, whichever gateway serves it, unless it is known to be there.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if not self._is_made:
            await self._consumer.ensure(self._resume_after())
            self._is_made = True

    def activate(self) -> None:
        """Serve the lane from now on."""
        if not self._serving:
            self._serving = True
            self._restart()

    async def release(self, seconds: float) -> None:
        """Serve the lane no more: finish what runs, hand back the rest, and leave the lane to another gateway.

        Args:
            seconds: after which what still runs is cancelled.
        """
        if not self._serving:
            return
        self._serving = False
        if self._starting:
            self._starting.cancel()
        self._hand_back_idle()
        await self._running.end(seconds)
        self._consumer.unpin()

    async def delete(self) -> None:
        """Delete the consumer of the lane.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self._consumer.delete()

    def resume(self) -> None:
        """End the pause of the lane."""
        self._breaker.resume(self._loop.time())
        self._end_pause(self._loop.time())

    def connection_lost(self) -> None:
        """Record that nothing can be told to the server now; it may know the pin still when it can."""
        self._consumer.forget_pulls()

    def connection_back(self) -> None:
        """Go on, now that the server can be told something."""
        if self._serving and self._starting is None:
            self._begin_anew()
            self._go_on()

    def tick(self, now: float) -> None:
        """Do what is due: called several times a second.

        Args:
            now: as the event loop counts.
        """
        self._consumer.expire_pulls(now)
        if len(self._held) and (now - self._kept_alive_at >= KEEP_ALIVE_SECONDS or not self._bus.connected):
            self._give_up_lost(now)
            self._keep_alive(now)
        waits = not len(self._held) and self._consumer.requested and not (self._paused or self._barrier.is_up)
        if self._serving and self._starting is None and not waits:
            self._end_pause(now)
            if self._barrier.is_up and not self._barrier.has_ended(now):
                self._ask_state()
            self._held.end_back_off(now)
            self._go_on()

    def on_message(self, arrival: Arrival, reply: str, subject: bytes, payload: bytes, headers: bytes) -> None:
        """Take a message that the server delivers.

        Args:
            reply: the subject that it is acknowledged on.
            headers: as they came.
        """
        fields = decode_headers(headers) if headers else {}
        now = self._loop.time()
        self._consumer.count_delivery()
        self._note_pin(fields.pop(PIN_ID, ""))
        if arrival.sequence in self._settled and self._held.get(arrival.sequence) is None:
            self._consumer.acknowledge(reply)
        elif (not self._serving or self._breaker.is_open(now)) and not self._held.is_in_progress(arrival.sequence):
            self._consumer.hand_back(reply)
            if not self._serving and not self._held.running:  # else `release` does, once that has ended
                self._consumer.unpin()
        else:
            attempt = self.attempts.next(arrival.sequence)
            try:
                delivery = make_delivery(arrival, subject, payload, fields, attempt, self._cipher)
            except UnknownKeyError:  # whatever is behind it waits: nobody knows which of it has its ordering key
                self._consumer.hand_back(reply)
                self._pause(PauseLane(UnknownKeyError.CODE))
            else:
                self._mean_size += (len(payload) - self._mean_size) / 16
                self._hold(delivery, reply, arrival.number)
        self._go_on()

    def _hold(self, delivery: Delivery, reply: str, number: int) -> None:
        self._last_sequence = max(self._last_sequence or 0, delivery.sequence)
        key, lease_end = self.attempts.ordering_key(delivery), self._loop.time() + ACK_WAIT_SECONDS
        held = self._held.arrive(delivery, key, reply, number, lease_end)
        if held.state is State.SETTLING:
            self._confirm(held)
        if self._barrier.is_up and delivery.num_delivered > 1 and self._barrier.count_back():
            self._ask_state()

    def on_pull_end(self, number: int, end: PullEnd) -> None:
        """Take the end of a pull.

        Args:
            number: of the pull.
        """
        self._consumer.end_pull(number, end)
        if end.status == 423:
            self._pin_lost()
        elif end.status != 408 and self._serving and self._starting is None:
            self._restart()  # the consumer may be gone, or its server
        self._go_on()

    def _restart(self) -> None:
        """Make sure that the consumer is there, then go on."""
        self._consumer.forget_pulls()
        self._consumer.pin = ""
        self._starting = self._background.run_once(f"lane {self.config.name}", self._start())

    async def _start(self) -> None:
        pause, longest = RESTART_SECONDS
        try:
            while True:
                try:
                    async with self._slots:
                        await self._consumer.ensure(self._resume_after())
                    self._is_made = True
                    break
                except Refusal:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
                    pause = min(2 * pause, longest)
        finally:
            self._starting = None
        self._begin_anew()
        self._go_on()

    def _begin_anew(self) -> None:
        """Hand back what waits, since a server that was killed may have forgotten that it is here, and count nothing on what runs."""
        self._hand_back_idle()
        for held in self._held:
            held.number = UNKNOWN_NUMBER
            if held.state is State.SETTLING:
                self._confirm(held)
        self._raise_barrier()

    def _resume_after(self) -> int | None:
        """Return where a consumer goes on that was deleted: after the last message before which all is settled."""
        if self._last_sequence is None:
            return None
        unsettled = [held.sequence - 1 for held in self._held if held.state is not State.SETTLING]
        return min([self._last_sequence, *unsettled, *(sequence - 1 for sequence in self.attempts.failed)])

    def _go_on(self) -> None:
        """Have tried what may be tried, and pull what there is room for."""
        if self._may_start():
            self._turns.request(self._start_next)
        self._use_room()

    def _may_start(self) -> bool:
        has_room = self._held.running < min(self.config.concurrency, self._turns.limit())
        return self._serving and has_room and self._breaker.allows(self._loop.time())

    def _start_next(self) -> bool:
        """Start an attempt; tell whether there may be another to start."""
        if self._may_start() and (held := self._take()):
            self._run(held)
            return True
        self._use_room()
        return False

    def _take(self) -> Held | None:
        """Return the next message to try: after a pause the one that has failed least, since one may always fail, and others wait for it.

        One that has failed gives the others a moment to arrive.
        """
        failed, pause_end = self.attempts.failed, self._breaker.open_until
        if pause_end is None or not failed:
            return self._held.take()
        chosen = min(self._held.ready(), key=lambda sequence: failed.get(sequence, 0), default=None)
        if chosen is None:
            return None
        if chosen in failed and (self._barrier.is_up or self._loop.time() < pause_end + ARRIVAL_SECONDS):
            return None
        return self._held.take_ready(chosen)

    def _use_room(self) -> None:
        if self._held.running < self.config.concurrency:
            self._held.make_room()
        for held in self._held.take_recalled():
            self._recall(held)
        self._pull()

    def _pull(self) -> None:
        now = self._loop.time()
        if not self._serving or self._starting or self._breaker.is_open(now) or not self._bus.connected:
            return
        requested = self._consumer.requested
        if requested and not self._consumer.pin:
            return  # it is the one that gets the pin; another would wait behind it in vain
        missing = self._room() - requested
        if missing >= max(1, self.config.window // 4) or (missing > 0 and not requested):
            self._consumer.pull(missing)

    def _room(self) -> int:
        """Return how many messages may be under way to this gateway."""
        if not self._barrier.is_up:
            fitting = int(MEMORY_BYTES / (self._mean_size + 1)) - len(self._held)
            return min(self._held.room(), max(1, fitting))
        return self._barrier.room(self._loop.time())

    def _run(self, held: Held) -> None:
        assert held.delivery
        self._breaker.begin()
        attempt = self.attempts.run(held.delivery)
        self._running.start(held.sequence, attempt, partial(self._on_attempt_end, held))

    def _on_attempt_end(self, held: Held, outcome: Outcome | None) -> None:
        now = self._loop.time()
        match outcome:
            case None:
                self._breaker.abandon()
                self._hand_back(held)
            case Done() | Dead():
                self._breaker.close()
                self._settle(held)
            case RetryAfter(seconds=seconds):
                self._breaker.close()
                self.attempts.count_failure(held.sequence)
                if not held.key:
                    self._hand_back(held, max(seconds, 0.0))
                elif self._serving and not self._breaker.is_open(now):
                    self._held.back_off(held, now + max(seconds, 0.0))
                else:
                    self._hand_back(held)
            case PauseLane(failed=failed):
                if failed:
                    self.attempts.count_failure(held.sequence)
                self._hand_back(held)
                self._pause(outcome)
        self._go_on()

    def _pause(self, pause: PauseLane) -> None:
        self._breaker.open(self._loop.time(), pause.reason, pause.seconds)
        self._paused = True
        self._hand_back_idle()

    def _settle(self, held: Held) -> None:
        self._settled.add(held.sequence)
        self.attempts.forget(held.sequence)
        if held.key:  # what comes behind it waits until the server knows: otherwise it could come again after that
            self._held.settle(held)
            self._confirm(held)
        else:
            self._consumer.acknowledge(held.reply)
            self._held.remove(held)

    def _confirm(self, held: Held) -> None:
        self._consumer.acknowledge_and(held.reply, partial(self._on_confirmed, held))

    def _on_confirmed(self, held: Held, known: bool) -> None:
        if known and self._held.get(held.sequence) is held:
            self._held.remove(held)
            self._go_on()

    def _hand_back(self, held: Held, seconds: float = 0.0) -> None:
        self._consumer.hand_back(held.reply, seconds)
        self._held.remove(held)

    def _hand_back_idle(self) -> None:
        for held in self._held.remove_idle():
            self._consumer.hand_back(held.reply)

    def _recall(self, held: Held) -> None:
        self._consumer.hand_back(held.reply)
        held.lease_end = self._loop.time() + ACK_WAIT_SECONDS

    def _note_pin(self, pin: str) -> None:
        if pin != self._consumer.pin:
            self._consumer.pin = pin
            self._consumer.forget_pulls()  # one of them got the pin, and the others wait for its end in vain
            self._raise_barrier()

    def _pin_lost(self) -> None:
        """Give up what this gateway has: another one may have the pin, and waits until this has happened."""
        self._consumer.pin = ""
        self._consumer.forget_pulls()
        if len(self._held):
            self._hand_back_idle()
            self._cancel_ordered(float("inf"))
            self._raise_barrier()

    def _give_up_lost(self, now: float) -> None:
        """Give up what could not be kept alive: the server delivers it again, maybe to another gateway."""
        limit = now + GIVE_UP_SECONDS
        lost = [held for held in self._held if held.lease_end < limit and held.state is not State.RECALLED]
        if not lost:
            return
        for held in lost:
            if held.state is State.SETTLING:
                self._held.remove(held)
        self._cancel_ordered(limit)
        self._hand_back_idle()
        self._raise_barrier()

    def _cancel_ordered(self, before: float) -> None:
        for held in self._held:
            if held.state is State.RUNNING and held.key and held.lease_end < before:
                self._running.cancel(held.sequence)

    def _keep_alive(self, now: float) -> None:
        self._kept_alive_at = now
        for held in self._held:
            if held.state is State.SETTLING:
                self._confirm(held)
            elif held.state is State.RECALLED:
                if held.lease_end < now:
                    self._recall(held)
            elif self._consumer.keep_alive(held.reply):
                held.lease_end = now + ACK_WAIT_SECONDS
        if self._consumer.pin:
            self._consumer.renew_pin()
        else:
            self._ask_state()

    def _end_pause(self, now: float) -> None:
        if self._paused and not self._breaker.is_open(now):
            self._paused = False
            self._raise_barrier()

    def _raise_barrier(self) -> None:
        if self.config.ordering_key is not unordered:
            self._barrier.set_up(self._loop.time())
            self._ask_state()

    def _ask_state(self) -> None:
        if not self._asking:
            self._asking = True
            self._consumer.ask_state(self._on_state)

    def _on_state(self, state: ConsumerState | None) -> None:
        self._asking = False
        if state is None or self._has_lost_pin(state) or not self._barrier.is_up:
            return
        if self._barrier.compare(state, self._loop.time()):
            self._hand_back_idle()
        self._go_on()

    def _has_lost_pin(self, state: ConsumerState) -> bool:
        """Give up what this gateway has, if another one has the pin: asked twice, since a message that brings the pin may be on its way."""
        if state.pin in {"", self._consumer.pin} or not len(self._held):
            self._suspected_pin = ""
            return False
        if state.pin == self._suspected_pin:
            self._pin_lost()
        else:
            self._suspected_pin = state.pin
            self._ask_state()
        return True
