"""Divides long work on the event loop, so that other tasks run in between."""

import asyncio


class Pace:
    """Counts work, and lets other tasks run after so much of it.

    Args:
        units_per_turn: units of work, as the caller defines them, before other tasks run.
    """

    def __init__(self, units_per_turn: int) -> None:
        self._units_per_turn = units_per_turn
        self._remaining = units_per_turn

    async def spend(self, work: int = 1) -> None:
        """Count work, and let other tasks run where it is enough for one turn.

        Args:
            work: units that are about to be done, or were.
        """
        self._remaining -= work
        if self._remaining <= 0:
            self._remaining = self._units_per_turn
            await asyncio.sleep(0)
