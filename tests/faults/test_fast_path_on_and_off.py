"""Random byte streams get the same answers, and do the same, whether calls take the fast path or aiohttp reads everything.

What may differ, for a reason: header fields (`Server`, which aiohttp adds; times, ids and the trace); and an unfinished document, for which the
fast path waits before it looks at the token, so that the last answer may be a 408 instead of an earlier refusal; and aiohttp judges at once
all that comes in one piece, so that what is malformed in it takes the requests before it along, which the fast path answers. Either way a refusal
that goes out before the body has all come ends the connection, and says so; which it was depends on the turn of the event loop.
"""

import asyncio
import contextlib
import json
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from support.fast_path import ways
from support.processes import free_port
from support.request_streams import Stream, Streams
from support.workbench import Workbench

PATIENCE = 20
AT_ONCE = 24
BETWEEN, IN_TURN = 0.002, 0.5
"""Seconds between two pieces, and for an answer before the next one, where they are sent in turn."""
SHORT = ["--head-seconds", "3", "--body-seconds", "3", "--idle-seconds", "10", "--connections-each", "5000"]
INVARIANTS = {1, 2, 3, 4, 5, 6, 9, 11}
"""Those that bytes alone can try; 7, 8 and 10 have tests of their own (tests/gateway/test_fast_path.py)."""


class Answer(NamedTuple):
    status: int
    body: Any
    closing: bool
    """Whether it says that the connection ends with it."""


class Outcome(NamedTuple):
    """What a sender notices: the answers, and how often its calls were made."""

    answers: tuple[Answer, ...]
    made: int


class Two:
    """Two gateways of one bus, and an adapter that counts."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.ports = {"A": free_port(), "B": free_port()}
        self.made: Counter[str] = Counter()

    async def take(self, request: dict[str, Any], call: Any) -> dict[str, Any]:
        self.made[str(request.get("hoVaTen"))] += 1
        return {"ketQua": str(request.get("hoVaTen", "KHOP"))}

    async def outcome(self, streams: Streams, stream: Stream, side: str) -> Outcome:
        name = f"{side}{stream.name}"
        while True:
            pieces = stream.pieces(streams.for_gateway(stream, side))
            said = await self._said(pieces, self.ports[side], in_turn=stream.in_turn)
            # So many calls of one system are refused here that it is slowed down; and on a busy machine an adapter may be late.
            if b"HTTP/1.1 429 " not in said and b"HTTP/1.1 504 " not in said:
                return Outcome(answers(said, name), self.made[name])
            self.made[name] = 0

    async def _said(self, pieces: list[bytes], port: int, *, in_turn: bool) -> bytes:
        loop, said, heard = asyncio.get_running_loop(), bytearray(), asyncio.Event()
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(connection, ("127.0.0.1", port))

            async def send() -> None:
                with contextlib.suppress(ConnectionError):
                    for piece in pieces:
                        heard.clear()
                        await loop.sock_sendall(connection, piece)
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(heard.wait(), IN_TURN if in_turn else BETWEEN)

            async with asyncio.timeout(PATIENCE):
                sending = asyncio.create_task(send())
                with contextlib.suppress(ConnectionError):
                    while piece := await loop.sock_recv(connection, 65536):
                        said += piece
                        heard.set()
                sending.cancel()
        return bytes(said)


def answers(said: bytes, name: str) -> tuple[Answer, ...]:
    """The answers of a connection, without what is another each time."""
    found = []
    while said:
        head, _, said = said.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status == 100:
            continue
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        body, said = (said[:length], said[length:]) if not said.startswith(b"HTTP/1.") else (b"", said)
        found.append(Answer(status, _plain(body, name), b"\r\nconnection: close" in head.lower()))
    return tuple(found)


def _plain(body: bytes, name: str) -> Any:
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", body.decode("latin-1")).replace(name, "NAME")
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if isinstance(document, dict):
        document.pop("access_token", None)
    return document


def alike(one: Outcome, other: Outcome) -> str:
    """Say whether two outcomes are `the same`, may differ for a reason, which is named, or are "" (not alike)."""
    if one == other:
        return "the same"
    late = any(outcome.answers and outcome.answers[-1].status == 408 for outcome in (one, other))
    if late and (one.answers[:-1], one.made) == (other.answers[:-1], other.made):
        return "an end that was waited for"
    less, more = sorted((one, other), key=lambda outcome: (len(outcome.answers), outcome.made))
    if less.answers and less.made <= more.made:
        before, last = less.answers[:-1], less.answers[-1]
        if _is_malformed(last) and last.closing and more.answers[: len(before)] == before:
            return "refused with what came before it in one piece"
        if (
            last.status >= 400
            and last.closing
            and _unclosed(more.answers[: len(less.answers)]) == _unclosed(less.answers)
        ):
            return "refused before its body had all come"
    return ""


def _unclosed(answers: tuple[Answer, ...]) -> list[Answer]:
    return [answer._replace(closing=False) for answer in answers]


def _is_malformed(answer: Answer) -> bool:
    """Whether aiohttp's parser refused it: such a refusal has no message id."""
    return (
        answer.status == 400
        and isinstance(answer.body, dict)
        and answer.body.get("code") == "malformed"
        and "instance" not in answer.body
    )


@pytest_asyncio.fixture(scope="module")
async def two(bus: Workbench) -> AsyncIterator[Two]:
    found, gateways = Two(bus), []
    for side, fast_path in (("A", "on"), ("B", "off")):
        gateway = bus.another_gateway(f"fast-path-{fast_path}", found.ports[side])
        gateway.command[gateway.command.index("--fast-path") + 1] = fast_path
        gateway.command += SHORT
        await gateway.start()
        gateways.append(gateway)
    served = await bus.serve(read=found.take, register=found.take)
    yield found
    await bus.unserve(served)
    for gateway in gateways:
        assert await gateway.stop() == 0
        assert "never retrieved" not in gateway.log.read_text()


async def compare(two: Two, seed: int, number: int) -> None:
    streams, gate = Streams(two.bus, seed), asyncio.Semaphore(AT_ONCE)
    tried: Counter[int] = Counter()
    statuses: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    different: list[str] = []

    async def one(stream: Stream) -> None:
        async with gate:
            on, off = await asyncio.gather(*(two.outcome(streams, stream, side) for side in two.ports))
        tried.update(stream.invariants)
        statuses.update(answer.status for answer in on.answers)
        reason = alike(on, off)
        reasons[reason] += 1
        if not reason:
            token = two.bus.token("alpha").encode()
            different.append(
                f"{stream.data.replace(token, b'TOKEN')[:3000]!r} cut at {stream.cuts}\n on {on}\noff {off}"
            )

    before = {side: await ways(two.bus, port) for side, port in two.ports.items()}
    await asyncio.gather(*(one(streams.one()) for _ in range(number)))
    took = {
        side: {way: n - before[side][way] for way, n in (await ways(two.bus, port)).items()}
        for side, port in two.ports.items()
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


async def test_streams_get_the_same_answers(two: Two) -> None:
    await compare(two, 1, 300)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
async def test_twenty_thousand_streams_get_the_same_answers(two: Two, seed: int) -> None:
    await compare(two, seed, 2000)
