"""Random byte streams get the same answers, and do the same, whether calls take the fast path or aiohttp reads everything.

What may differ, for a reason: header fields (`Server`, which aiohttp adds; times, ids and the trace); and an unfinished document, for which the
fast path waits before it looks at the token, so that the last answer may be a 408 instead of an earlier refusal; and aiohttp judges at once
all that comes in one piece, so that what is malformed in it takes the requests before it along, which the fast path answers. Either way a refusal
that goes out before the body has all come ends the connection, and says so; which it was depends on the turn of the event loop.
"""

import asyncio
from collections import Counter

import pytest
from support.fast_path import ways
from support.on_and_off import OnAndOff, Outcome, alike, on_and_off
from support.request_streams import Stream, Streams

__all__ = ["on_and_off"]

AT_ONCE = 24
INVARIANTS = {1, 2, 3, 4, 5, 6, 9, 11}
"""Those that bytes alone can try; 7, 8 and 10 have tests of their own (tests/gateway/test_fast_path.py)."""


async def outcome(two: OnAndOff, streams: Streams, stream: Stream, side: str) -> Outcome:
    pieces = stream.pieces(streams.for_gateway(stream, side))
    return await two.outcome(f"{side}{stream.name}", pieces, side, in_turn=stream.in_turn)


async def compare(on_and_off: OnAndOff, seed: int, number: int) -> None:
    streams, gate = Streams(on_and_off.bus, seed), asyncio.Semaphore(AT_ONCE)
    tried: Counter[int] = Counter()
    statuses: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    different: list[str] = []

    async def one(stream: Stream) -> None:
        async with gate:
            on, off = await asyncio.gather(*(outcome(on_and_off, streams, stream, side) for side in on_and_off.ports))
        tried.update(stream.invariants)
        statuses.update(answer.status for answer in on.answers)
        reason = alike(on, off)
        reasons[reason] += 1
        if not reason:
            token = on_and_off.bus.token("alpha").encode()
            different.append(
                f"{stream.data.replace(token, b'TOKEN')[:3000]!r} cut at {stream.cuts}\n on {on}\noff {off}"
            )

    before = {side: await ways(on_and_off.bus, port) for side, port in on_and_off.ports.items()}
    await asyncio.gather(*(one(streams.one()) for _ in range(number)))
    took = {
        side: {way: n - before[side][way] for way, n in (await ways(on_and_off.bus, port)).items()}
        for side, port in on_and_off.ports.items()
    }
    print(
        f"{number} streams: answers {dict(statuses)}; invariants tried {dict(sorted(tried.items()))}; ways {took}; alike {dict(reasons)}"
    )
    assert not different, f"{len(different)} of {number}:\n" + "\n".join(different[:4])
    assert reasons["the same"] >= 0.85 * number
    assert statuses[200] >= 0.4 * statuses.total()
    assert tried.keys() == INVARIANTS
    assert all(took["A"][way] > number / 20 for way in ("cached", "recognised", "delegated")), took
    assert took["A"]["kept"]
    assert not any(took["B"][way] for way in ("cached", "recognised", "delegated"))
    assert not any(status >= 500 for status in statuses)


async def test_streams_get_the_same_answers(on_and_off: OnAndOff) -> None:
    await compare(on_and_off, 1, 300)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
async def test_twenty_thousand_streams_get_the_same_answers(on_and_off: OnAndOff, seed: int) -> None:
    await compare(on_and_off, seed, 2000)
