"""Two gateways, one with the fast path on and one with it off, and what each answers to the same bytes."""

import asyncio
import contextlib
import json
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest_asyncio

from support.processes import free_port
from support.waits import WORK_SECONDS
from support.workbench import Workbench

PATIENCE = 20
BETWEEN, IN_TURN = 0.002, 0.5
"""Seconds between two pieces, and for an answer before the next one, where they are sent in turn."""
SHORT = ["--head-seconds", "3", "--body-seconds", "3", "--idle-seconds", "10", "--connections-each", "5000"]


class Answer(NamedTuple):
    status: int
    body: Any
    closing: bool
    """Whether it says that the connection ends with it."""


class Outcome(NamedTuple):
    """What a sender notices: the answers, and how often its calls were made."""

    answers: tuple[Answer, ...]
    made: int


class OnAndOff:
    """Two gateways of one bus, A with the fast path and B without it, and an adapter that counts."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.ports = {"A": free_port(), "B": free_port()}
        self.made: Counter[str] = Counter()

    async def take(self, request: dict[str, Any], call: Any) -> dict[str, Any]:
        self.made[str(request.get("hoVaTen"))] += 1
        return {"ketQua": str(request.get("hoVaTen", "KHOP"))}

    async def outcome(self, name: str, pieces: list[bytes], side: str, *, in_turn: bool) -> Outcome:
        """Send pieces to one of the two, whose calls carry a name, and return what comes of it.

        Args:
            in_turn: wait for an answer before the next piece.
        """
        async with asyncio.timeout(WORK_SECONDS):
            while True:
                received = await self._exchange(pieces, self.ports[side], in_turn=in_turn)
                # So many calls of one system are refused here that it is slowed down; and on a busy machine an adapter may be late.
                if b"HTTP/1.1 429 " not in received and b"HTTP/1.1 504 " not in received:
                    return Outcome(answers(received, name), self.made[name])
                self.made[name] = 0

    async def _exchange(self, pieces: list[bytes], port: int, *, in_turn: bool) -> bytes:
        loop, received, arrived = asyncio.get_running_loop(), bytearray(), asyncio.Event()
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(connection, ("127.0.0.1", port))

            async def send() -> None:
                with contextlib.suppress(ConnectionError):
                    for piece in pieces:
                        arrived.clear()
                        await loop.sock_sendall(connection, piece)
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(arrived.wait(), IN_TURN if in_turn else BETWEEN)

            async with asyncio.timeout(PATIENCE):
                sending = asyncio.create_task(send())
                with contextlib.suppress(ConnectionError):
                    while piece := await loop.sock_recv(connection, 65536):
                        received += piece
                        arrived.set()
                sending.cancel()
        return bytes(received)


def answers(received: bytes, name: str) -> tuple[Answer, ...]:
    """The answers of a connection, without what is another each time."""
    parsed = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status == 100:
            continue
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        without_body = received.startswith(b"HTTP/1.")  # of a HEAD
        body, received = (b"", received) if without_body else (received[:length], received[length:])
        parsed.append(Answer(status, _plain(body, name), b"\r\nconnection: close" in head.lower()))
    return tuple(parsed)


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
async def on_and_off(bus: Workbench) -> AsyncIterator[OnAndOff]:
    two, gateways = OnAndOff(bus), []
    for side, fast_path in (("A", "on"), ("B", "off")):
        gateway = bus.another_gateway(f"fast-path-{fast_path}", two.ports[side])
        gateway.command[gateway.command.index("--fast-path") + 1] = fast_path
        gateway.command += SHORT
        await gateway.start()
        gateways.append(gateway)
    served = await bus.serve(read=two.take, register=two.take)
    yield two
    await bus.unserve(served)
    for gateway in gateways:
        assert await gateway.stop() == 0
        assert "never retrieved" not in gateway.log.read_text()
