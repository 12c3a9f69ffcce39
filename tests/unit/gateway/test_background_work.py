"""What is accepted to be delivered later waits while calls suffer, each caller in a queue of its own."""

import asyncio

from lgsp_gateway.calls.background_work import MAXIMUM, BackgroundWork
from lgsp_gateway.calls.model import StepTimes


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def answer_calls(work: BackgroundWork, clock: Clock, milliseconds: float, calls: int = 200) -> None:
    for _ in range(calls):
        clock.now += 0.02
        work.answered(StepTimes(handled=milliseconds + 100.0, provider=100.0))


def suffering() -> tuple[BackgroundWork, Clock]:
    """Return background work of which one message of a caller may be under way."""
    clock = Clock()
    work = BackgroundWork(clock)
    answer_calls(work, clock, 1.0)
    answer_calls(work, clock, 10.0)
    assert work.limit() == 1
    return work, clock


async def waiting(work: BackgroundWork, caller: str, message: str) -> "asyncio.Task[None]":
    """Return the task that waits for the turn of a message; it is done where that came at once."""
    task = asyncio.ensure_future(work.admit(caller, message))
    await asyncio.sleep(0)
    return task


async def test_in_calm_nothing_waits() -> None:
    work = BackgroundWork(Clock())
    turns = [await waiting(work, "alpha", f"{number}") for number in range(MAXIMUM + 1)]
    assert all(turn.done() for turn in turns[:-1])
    assert not turns[-1].done()
    work.finish("0")
    await asyncio.wait_for(turns[-1], 5)


async def test_while_calls_suffer_the_messages_of_a_caller_are_admitted_one_after_the_other_in_their_order() -> None:
    work, _ = suffering()
    turns = [await waiting(work, "alpha", f"{number}") for number in range(5)]
    for number, turn in enumerate(turns):
        assert [one.done() for one in turns] == [at <= number for at in range(5)]
        await turn
        work.finish(f"{number}")
        await asyncio.sleep(0)


async def test_the_flood_of_one_caller_keeps_no_other_one_waiting() -> None:
    work, _ = suffering()
    flood = [await waiting(work, "alpha", f"{number}") for number in range(100)]
    other = await waiting(work, "beta", "another")
    assert other.done()
    for turn in flood[1:]:
        turn.cancel()


async def test_whoever_gives_up_keeps_no_turn() -> None:
    work, _ = suffering()
    await work.admit("alpha", "first")
    gone, next_one = await waiting(work, "alpha", "gone"), await waiting(work, "alpha", "next")
    late = await waiting(work, "alpha", "late")
    gone.cancel()
    work.finish("first")
    next_one.cancel()  # in the turn of the loop in which it was admitted
    await asyncio.wait_for(late, 5)


async def test_a_message_that_had_no_turn_ends_none() -> None:
    work, _ = suffering()
    await work.admit("alpha", "first")
    work.finish("unknown")
    second = await waiting(work, "alpha", "second")
    assert not second.done()
    second.cancel()


async def test_full_speed_comes_back_when_nobody_suffers() -> None:
    work, clock = suffering()
    await work.admit("alpha", "first")
    turns = [await waiting(work, "alpha", f"{number}") for number in range(10)]
    clock.now += 5.0
    work.finish("first")
    async with asyncio.timeout(5):
        await asyncio.gather(*turns)
