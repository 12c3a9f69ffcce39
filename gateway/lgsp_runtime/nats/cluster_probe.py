"""Tells a server that its cluster has left behind from one that belongs to it.

A server that is cut off from the majority goes on to answer pings, and whoever is connected to it reaches neither streams nor the adapters of
the others, for as long as that lasts. So the cluster is asked something by that server. While there is no answer the connection goes to
another server, and to the next one after a pause: a cluster that is choosing a leader answers nobody for seconds.
"""

import asyncio
from dataclasses import dataclass, field

import orjson

UNANSWERED = 3
"""Probes, a second apart, without an answer after which another server is tried."""

FIRST_MOVE_SECONDS, LONGEST_MOVE_SECONDS = 4.0, 30.0
"""The pause after a move, doubled from the first to the longest while nothing is answered."""

JETSTREAM = "$JS.API.INFO"
"""Answered by the leader of the cluster; by a server without one with an error."""


@dataclass(slots=True)
class ClusterProbe:
    """What one connection has heard of the cluster. `subject` is asked; "" where nobody asks."""

    subject: str
    _unanswered: int = 0
    _pause: float = FIRST_MOVE_SECONDS
    _next_move: float = 0.0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def asked(self) -> None:
        """Take note that the cluster was asked."""
        self._unanswered += 1

    def answered(self, answer: bytes) -> None:
        """Take note of an answer; one that is empty or says that there is no leader is none."""
        if answer and not orjson.loads(answer).get("error"):
            self._unanswered, self._pause = 0, FIRST_MOVE_SECONDS

    @property
    def is_cut_off(self) -> bool:
        """Tell whether another server is to be tried."""
        return self._unanswered >= UNANSWERED and self.loop.time() >= self._next_move

    def moved(self) -> None:
        """Take note that another server was tried."""
        self._unanswered, self._next_move = 0, self.loop.time() + self._pause
        self._pause = min(2 * self._pause, LONGEST_MOVE_SECONDS)
