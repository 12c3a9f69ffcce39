"""nats-py's client with a shorter way in and out for the two places where every call passes.

Why not `publish` and callbacks alone: publishing takes two coroutines, two checks of the subject by regular expression and a
future for each flush; a message that arrives becomes an object, goes through a queue and wakes a task. Together that is
11 µs for a request and its reply, a sixth of what a whole call costs; this takes 3 (measured; docs/decisions/008). Connecting,
identity, TLS, keeping alive, reconnecting and everything that is not a call stay nats-py's. It hooks into two methods that
nats-py does not promise to keep, so the lock file holds its version and `tests/faults/test_nats_gone.py` holds the behaviour.
"""

import asyncio
from collections.abc import Callable, Mapping

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError, MaxPayloadError

FLUSH_PARTS = 48

Taker = Callable[[bytes, bytes, bytes, bytes | None], None]
"""Takes subject, reply subject, payload and raw headers of a message, at once and without waiting for anything."""


def headers(fields: Mapping[str, str]) -> bytes:
    """The header block of a message (NATS ADR-4).

    Raises:
        ValueError: a value holds a line end.
    """
    block = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if block.count("\n") != len(fields) or block.count("\r") != len(fields):
        raise ValueError("a header value holds a line end")
    return f"NATS/1.0\r\n{block}\r\n".encode()


class QuickClient(Client):
    """A connection to NATS."""

    def __init__(self) -> None:
        super().__init__()
        self._takers: dict[int, Taker] = {}
        self._outgoing: list[bytes] = []

    def take(self, subscription: Subscription, taker: Taker) -> None:
        """Hand over the messages of a subscription as they are parsed, and not to its callback."""
        self._takers[subscription._id] = taker

    def post(self, subject: str, payload: bytes, reply: str = "", headers: bytes = b"") -> None:
        """Publish. What is posted in one turn of the event loop leaves in one write.

        Args:
            subject, reply: valid subjects; nobody checks them.
            headers: as `headers` makes them.

        Raises:
            ConnectionClosedError: while there is no connection; nothing is kept for later.
            MaxPayloadError: when the server would not take it.
        """
        if not self.is_connected:
            raise ConnectionClosedError
        if len(payload) > self._max_payload:
            raise MaxPayloadError
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._send_outgoing)
        if headers:
            size = len(headers)
            line = f"HPUB {subject} {reply} {size} {size + len(payload)}\r\n".encode()
            self._outgoing += (line, headers, payload, b"\r\n")
        else:
            self._outgoing += (f"PUB {subject} {reply} {len(payload)}\r\n".encode(), payload, b"\r\n")

        if len(self._outgoing) > FLUSH_PARTS:
            self._send_outgoing()

    def _send_outgoing(self) -> None:
        if not self._outgoing:
            return
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._transport is not None and self.is_connected:
            self._transport.write(data)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        taker = self._takers.get(sid)
        if taker is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            taker(subject, reply, data, headers)
