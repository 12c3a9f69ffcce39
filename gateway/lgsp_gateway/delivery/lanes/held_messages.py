"""The messages of a lane that one gateway has, and which of them may be tried next. Pure.

Messages with the same ordering key form a chain, in the order of the stream; only the first of a chain is tried. One that failed holds its
chain until it is due again. What cannot be tried soon is parked: its payload is dropped, so that the memory of a lane has a bound, while
the gateway keeps telling the server that it works on it; when its turn comes it is recalled, by handing it back to the server, which
delivers it again.

When this gateway may not have everything that was delivered before (the barrier), no ordered message is tried: the one before it may be
on its way back.
"""

import heapq
from bisect import insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from lgsp_gateway.delivery.lanes.lane import Delivery

MAX_PARKED = 1000
"""Messages of a lane that are kept alive without their payload; when there are more, a lane takes nothing new."""
RECALLED_TOGETHER = 4
"""Parked messages of a chain that are recalled at the same time, so that a chain need not wait for each."""
LOOK_AHEAD = 4
"""Windows of messages that are parked at most to reach those of other chains behind them."""


class State(Enum):
    """What happens with a message."""

    WAITING = auto()
    RUNNING = auto()
    SETTLING = auto()
    """Done; the server has not confirmed yet that it knows."""
    PARKED = auto()
    RECALLED = auto()


_WITHOUT_PAYLOAD = (State.PARKED, State.RECALLED)


@dataclass(slots=True, eq=False)
class Held:
    """A message that this gateway has.

    Args:
        key: its ordering key; "" for none.
        delivery: None while it is parked or recalled.
        reply: the subject that its newest delivery is acknowledged on.
        number: the number of its newest delivery, among all of the consumer.
        lease_end: when the server delivers it again, unless it is kept alive.
    """

    sequence: int
    key: str
    delivery: Delivery | None
    reply: str
    number: int
    lease_end: float
    state: State = State.WAITING
    due: float = 0.0

    @property
    def is_idle(self) -> bool:
        """Tell whether it could be handed back."""
        return self.state not in (State.RUNNING, State.SETTLING)


class HeldMessages:
    """The messages of one lane.

    Args:
        window: messages whose payload is in memory.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._held: dict[int, Held] = {}
        self._chains: dict[str, list[int]] = {}
        self._active_keys: set[str] = set()
        self._ready: list[int] = []
        self._due: list[tuple[float, int]] = []
        self._wanted_first: list[int] = []
        self._wanted_behind: list[int] = []
        self._counts: Counter[State] = Counter()
        self._barrier = False

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def get(self, sequence: int) -> Held | None:
        """Return a message, if it is here."""
        return self._held.get(sequence)

    def is_in_progress(self, sequence: int) -> bool:
        """Tell whether a message is being tried or settled here: handed back, it would be done twice."""
        held = self._held.get(sequence)
        return held is not None and not held.is_idle

    @property
    def running(self) -> int:
        """Return how many messages are being tried."""
        return self._counts[State.RUNNING]

    @property
    def barrier(self) -> bool:
        """Tell whether ordered messages have to wait."""
        return self._barrier

    def room(self, expected_back: int = 0) -> int:
        """Return how many messages may be pulled.

        Args:
            expected_back: messages that are to come back from elsewhere; those that find no room in memory are parked.
        """
        needed = max(self._counts[State.RECALLED], expected_back)
        if self._counts[State.PARKED] >= MAX_PARKED:
            return needed
        return max(self._window - self._in_memory, needed)

    def arrive(self, delivery: Delivery, key: str, reply: str, number: int, lease_end: float) -> Held:
        """Take a message that was delivered, maybe again."""
        held = self._held.get(delivery.sequence)
        if held is None:
            held = Held(delivery.sequence, key, None, reply, number, lease_end, State.PARKED)
            self._held[held.sequence] = held
            self._counts[State.PARKED] += 1
            if key:
                insort(self._chains.setdefault(key, []), held.sequence)
        held.reply, held.number, held.lease_end = reply, number, lease_end
        if held.state in _WITHOUT_PAYLOAD:
            if self._has_to_be_parked(held):
                self._change(held, State.PARKED)
            else:
                held.delivery = delivery
                self._change(held, State.WAITING)
                self._offer(held)
        return held

    def take(self) -> Held | None:
        """Return the next message to try, which is running then; None where there is none."""
        while self._ready:
            sequence = heapq.heappop(self._ready)
            if self._is_ready(sequence):
                return self._start(self._held[sequence])
        return None

    def ready(self) -> list[int]:
        """Return what may be tried next, by its sequence and in its order."""
        self._ready = sorted({sequence for sequence in self._ready if self._is_ready(sequence)})
        return list(self._ready)

    def take_ready(self, sequence: int) -> Held:
        """Return one of those that are `ready`, which is running then."""
        return self._start(self._held[sequence])

    def settle(self, held: Held) -> None:
        """Record that a running message is done; it holds its chain until `remove`."""
        if held.state is State.RUNNING:
            self._change(held, State.SETTLING)

    def remove(self, held: Held) -> None:
        """Forget a message; the one behind it in its chain is next."""
        self._forget(held)
        if held.key in self._chains:
            self._advance(held.key)

    def back_off(self, held: Held, due: float) -> None:
        """Keep a running message, and those behind it, until it is due; all are parked."""
        self._active_keys.discard(held.key)
        held.due = due
        heapq.heappush(self._due, (due, held.sequence))
        self._park(held)
        for sequence in self._chains.get(held.key, ()):
            behind = self._held[sequence]
            if behind.state is State.WAITING:
                self._park(behind)

    def end_back_off(self, now: float) -> None:
        """Let those be tried again that are due."""
        while self._due and self._due[0][0] <= now:
            _, sequence = heapq.heappop(self._due)
            held = self._held.get(sequence)
            if held and 0 < held.due <= now:
                held.due = 0.0
                self._advance(held.key)

    def take_recalled(self) -> list[Held]:
        """Return parked messages that are wanted now, as far as there is room in memory; they are recalled then."""
        recalled: list[Held] = []
        for wanted, limit in ((self._wanted_first, self._window), (self._wanted_behind, self._window * 3 // 4)):
            while wanted and self._in_memory + self._counts[State.RECALLED] < limit:
                held = self._held.get(heapq.heappop(wanted))
                if held and held.state is State.PARKED and not self._is_backed_off(held) and not self._barrier:
                    self._change(held, State.RECALLED)
                    recalled.append(held)
        return recalled

    def make_room(self) -> None:
        """Park some of what waits for others of its chain, where it fills the memory and keeps others out."""
        if self._ready or self._in_memory + self._counts[State.RECALLED] < self._window:
            return
        blocked = [one for one in self._held.values() if one.state is State.WAITING and not self._is_first(one)]
        for one in sorted(blocked, key=lambda one: -one.sequence)[: self._window // 2]:
            if self._wanted_first or self._counts[State.PARKED] < LOOK_AHEAD * self._window:
                self._park(one)

    def raise_barrier(self) -> None:
        """Let ordered messages wait."""
        self._barrier = True

    def lower_barrier(self) -> None:
        """Let ordered messages go on: everything that was delivered before is here, or settled."""
        self._barrier = False
        for key in self._chains:
            self._advance(key)

    def remove_idle(self) -> list[Held]:
        """Forget everything that is not being tried.

        Returns:
            What is to be handed back, in the order of the stream.
        """
        idle = sorted((one for one in self._held.values() if one.is_idle), key=lambda one: one.sequence)
        for held in idle:
            self._forget(held)
        return [held for held in idle if held.state is not State.RECALLED]

    def _advance(self, key: str) -> None:
        """Let the first of a chain go on, with some of those behind it where it has to be recalled."""
        if self._barrier or key not in self._chains:
            return
        first = self._held[self._chains[key][0]]
        if first.state is State.WAITING:
            self._offer(first)
        if not first.due:
            for sequence in self._chains[key][:RECALLED_TOGETHER]:
                if self._held[sequence].state is State.PARKED:
                    is_first = sequence == first.sequence
                    heapq.heappush(self._wanted_first if is_first else self._wanted_behind, sequence)

    def _is_ready(self, sequence: int) -> bool:
        held = self._held.get(sequence)
        return held is not None and held.state is State.WAITING and self._may_run(held)

    def _start(self, held: Held) -> Held:
        self._change(held, State.RUNNING)
        if held.key:
            self._active_keys.add(held.key)
        return held

    def _offer(self, held: Held) -> None:
        if self._may_run(held):
            heapq.heappush(self._ready, held.sequence)

    def _has_to_be_parked(self, held: Held) -> bool:
        if not held.key:
            return False
        is_full = self._in_memory >= self._window
        return self._is_backed_off(held) or (is_full and (self._barrier or not self._is_first(held)))

    def _park(self, held: Held) -> None:
        held.delivery = None
        self._change(held, State.PARKED)

    def _change(self, held: Held, state: State) -> None:
        self._counts[held.state] -= 1
        self._counts[state] += 1
        held.state = state

    def _forget(self, held: Held) -> None:
        if self._held.pop(held.sequence, None) is None:
            return
        self._counts[held.state] -= 1
        if not held.key:
            return
        if not held.is_idle:
            self._active_keys.discard(held.key)
        chain = self._chains[held.key]
        chain.remove(held.sequence)
        if not chain:
            del self._chains[held.key]

    def _may_run(self, held: Held) -> bool:
        if not held.key:
            return True
        return self._is_first(held) and not self._barrier and held.key not in self._active_keys

    def _is_first(self, held: Held) -> bool:
        return not held.key or self._chains[held.key][0] == held.sequence

    def _is_backed_off(self, held: Held) -> bool:
        return bool(held.key) and self._held[self._chains[held.key][0]].due > 0

    @property
    def _in_memory(self) -> int:
        return len(self._held) - self._counts[State.PARKED] - self._counts[State.RECALLED]
