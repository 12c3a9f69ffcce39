"""Shares the event loop of a gateway between its lanes and everything else that it does.

A lane that gets a hundred messages at once could try thirty of them in one turn of the event loop, and a hundred lanes three thousand;
a call that arrives then waits behind all of them. So lanes start attempts in turn, one each, and only a few in a turn of the loop:
whatever arrived meanwhile is looked at in between.
"""

import asyncio
from collections.abc import Callable
from itertools import islice

STARTS_IN_A_TURN = 4
"""Attempts that begin in one turn of the event loop; one takes some 0.2 ms of it until it waits for its provider."""


class Turns:
    """Whose turn it is to start an attempt.

    Args:
        limit: returns how many messages of each lane may be tried at the same time now.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self.limit = limit
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Callable[[], bool], None] = {}
        self._scheduled = False

    def request(self, start: Callable[[], bool]) -> None:
        """Have attempts started soon.

        Args:
            start: starts one attempt, and returns whether there may be another to start. It is the same for each request of one lane.
        """
        self._waiting[start] = None
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._give_turns)

    def _give_turns(self) -> None:
        try:
            for start in list(islice(self._waiting, STARTS_IN_A_TURN)):
                del self._waiting[start]
                if start():
                    self._waiting[start] = None
        finally:
            self._scheduled = bool(self._waiting)
            if self._scheduled:
                self._loop.call_soon(self._give_turns)
