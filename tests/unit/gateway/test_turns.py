"""Lanes start attempts in turn, and leave the event loop to others in between."""

import asyncio
from collections.abc import Callable
from itertools import groupby

from lgsp_gateway.delivery.lanes.turns import STARTS_IN_A_TURN, Turns


async def test_lanes_start_one_attempt_each_and_a_few_in_a_turn_of_the_loop() -> None:
    started: list[tuple[int, str]] = []
    turn = 0

    def lane(name: str, attempts: int) -> Callable[[], bool]:
        left = iter(range(attempts))

        def start() -> bool:
            if next(left, None) is None:
                return False
            started.append((turn, name))
            return True

        return start

    turns = Turns(lambda: 8)
    for name, attempts in (("flood", 40), ("a", 3), ("b", 3)):
        turns.request(lane(name, attempts))
    async with asyncio.timeout(5):
        while len(started) < 46:
            await asyncio.sleep(0)
            turn += 1
    assert max(len(list(group)) for _, group in groupby(started, lambda one: one[0])) <= STARTS_IN_A_TURN
    assert [name for _, name in started[:9]] == ["flood", "a", "b"] * 3


async def test_a_lane_whose_start_fails_keeps_no_other_waiting() -> None:
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context["exception"]))
    started = asyncio.Event()

    def fails() -> bool:
        raise ValueError

    def starts() -> bool:
        started.set()
        return False

    turns = Turns(lambda: 8)
    turns.request(fails)
    turns.request(starts)
    await asyncio.wait_for(started.wait(), 5)
    assert isinstance(raised[0], ValueError)
