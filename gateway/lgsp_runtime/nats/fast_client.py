"""nats-py's client with a shorter way in and out for the two places where every call passes.

Why not `publish` and callbacks alone: publishing takes two coroutines, two checks of the subject by regular expression and a
future for each flush; what arrives wakes a reader, is matched by regular expressions, becomes an object, goes through a queue
and wakes a second task. Together that is 15 µs for a request and its reply, a fifth of what a whole call costs; this
takes 4 (measured; docs/decisions/008). Connecting, identity, TLS, keeping alive, reconnecting and everything that is not a
call stay nats-py's. It hooks into three methods that nats-py does not promise to keep, so the lock file holds its version
and `tests/faults/test_nats_gone.py` the behaviour.
"""

import asyncio
from collections.abc import Callable, Mapping

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError, Error, MaxPayloadError
from nats.protocol.parser import PERMISSIONS_ERR

from lgsp_runtime.background import Task

Taker = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes subject, reply subject, payload and raw headers of a message, at once and without waiting for anything."""

FLUSH_PARTS = 96
"""Pieces that are gathered before they are sent: with 32 messages on their way the other side can begin."""


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
        self._takers: dict[bytes, Taker] = {}
        self._outgoing: list[bytes] = []
        self.watched: Task | None = None
        """Who looks whether it lives, until it is closed."""

    async def close(self) -> None:
        """Close it for good."""
        if self.watched:
            await self.watched.stop()
        await super().close()

    def take(self, subscription: Subscription, taker: Taker) -> None:
        """Hand over the messages of a subscription as they arrive, and not to its callback."""
        self._takers[b"%d" % subscription._id] = taker

    def post(self, subject: str, payload: bytes, reply: str = "", headers: bytes = b"") -> None:
        """Publish. What is posted in one turn of the event loop leaves together.

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
            self._loop.call_soon(self.send_posted)
        if headers:
            size = len(headers)
            line = f"HPUB {subject} {reply} {size} {size + len(payload)}\r\n".encode()
            self._outgoing += (line, headers, payload, b"\r\n")
        else:
            self._outgoing += (f"PUB {subject} {reply} {len(payload)}\r\n".encode(), payload, b"\r\n")
        if len(self._outgoing) > FLUSH_PARTS:
            self.send_posted()

    def send_posted(self) -> None:
        """Send what was posted."""
        if self._outgoing:
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            if self._transport is not None and self.is_connected:
                self._transport.write(data)

    async def _process_connect_init(self) -> None:
        """Each new connection gets a sieve before nats-py's reader."""
        await super()._process_connect_init()
        self._loop = asyncio.get_running_loop()
        writer: asyncio.StreamWriter | None = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            transport = writer.transport
            transport.set_protocol(_Sieve(transport.get_protocol(), self._takers))

    async def _process_err(self, err_msg: str) -> None:
        """Why the server ends a connection is no reason to give up: a token that expired is followed by a new one.

        nats-py closes for ever after most errors, and a process that looks well would serve nobody.
        """
        if PERMISSIONS_ERR in err_msg:
            await super()._process_err(err_msg)
            return
        error = Error("nats: " + err_msg.strip("'"))
        await self._error_cb(error)
        await self._process_op_err(error)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        """What went past the sieve: it began before there was one, or its taker came later."""
        taker = self._takers.get(b"%d" % sid)
        if taker is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            taker(subject, reply, data, headers or b"")


class _Sieve(asyncio.Protocol):
    """Takes the messages that have a taker out of what arrives, and passes on the rest as it came."""

    def __init__(self, reader: asyncio.BaseProtocol, takers: Mapping[bytes, Taker]) -> None:
        assert isinstance(reader, asyncio.Protocol)
        self._reader = reader
        self._takers = takers
        self._begun = b""
        self.connection_lost = reader.connection_lost  # type: ignore[method-assign]
        self.eof_received = reader.eof_received  # type: ignore[method-assign]
        self.pause_writing = reader.pause_writing  # type: ignore[method-assign]
        self.resume_writing = reader.resume_writing  # type: ignore[method-assign]

    def data_received(self, data: bytes) -> None:
        if self._begun:
            data = self._begun + data
        at, end, takers = 0, len(data), self._takers
        while at < end:
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                break
            after = line_end + 2
            kind = data[at : at + 4]
            if kind in (b"MSG ", b"HMSG"):
                fields = data[at:line_end].split(b" ")
                after += int(fields[-1]) + 2
                if after > end:
                    break
                taker = takers.get(fields[2])
                if taker is not None:
                    try:
                        self._hand_over(taker, fields, data[line_end + 2 : after - 2])
                    except Exception as error:  # raised here, it would cost the connection with all that is under way
                        told = {"message": "a message was not taken", "exception": error}
                        asyncio.get_running_loop().call_exception_handler(told)
                    at = after
                    continue
            self._reader.data_received(data[at:after])
            at = after
        self._begun = data[at:]

    @staticmethod
    def _hand_over(taker: Taker, fields: list[bytes], content: bytes) -> None:
        """`MSG subject sid [reply] size`, or `HMSG subject sid [reply] header-size size`."""
        if len(fields[0]) == 3:
            taker(fields[1], fields[3] if len(fields) == 5 else b"", content, b"")
        else:
            size = int(fields[-2])
            taker(fields[1], fields[3] if len(fields) == 6 else b"", content[size:], content[:size])
