"""Long work on an event loop, in pieces, so that others have their turn."""

import asyncio


class Pace:
    """Counts work and gives others their turn after so much of it.

    Args:
        at_a_turn: units of work that may be done before everybody else has a turn.
    """

    def __init__(self, at_a_turn: int) -> None:
        self._at_a_turn = at_a_turn
        self._left = at_a_turn

    async def spend(self, work: int = 1) -> None:
        """Count work that is about to be done, or was; whoever waits has a turn when it is enough."""
        self._left -= work
        if self._left <= 0:
            self._left = self._at_a_turn
            await asyncio.sleep(0)
