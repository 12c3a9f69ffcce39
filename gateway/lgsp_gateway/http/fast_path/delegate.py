"""aiohttp behind the connection: one protocol of aiohttp's, and the stand-in for a transport that it writes to.

The stand-in passes writes through while it is the connection's current writer. What aiohttp means by closing it is "I am done": with
`keepalive_timeout=0` aiohttp closes its transport as soon as it waits for a next request, after the answer is out and the body was
read or lingered over. So one public call tells the end of every request, however it ended.
"""

import asyncio
from typing import Any, Protocol

from aiohttp import web

_CONTINUE = b"HTTP/1.1 100 "
_STATUS = slice(9, 12)


class Front(Protocol):
    """The connection in front, as a delegate sees it."""

    def write_of(self, delegate: "Delegate", data: bytes) -> None:
        """Pass on what aiohttp writes."""

    def refusal_of(self, delegate: "Delegate", status: int) -> None:
        """Answer what aiohttp refused by itself, and close."""

    def reading_of(self, delegate: "Delegate", *, paused: bool) -> None:
        """Let aiohttp pause and resume what it reads."""

    def end_of(self, delegate: "Delegate") -> None:
        """Note that aiohttp is done."""


class Delegate(asyncio.Transport):
    """One protocol of aiohttp's with the transport that it believes to have.

    Args:
        owed: bytes of the request that have not come yet; None where aiohttp has the connection for good.
    """

    def __init__(
        self, front: Front, transport: asyncio.Transport, protocol: web.RequestHandler, owed: int | None
    ) -> None:
        super().__init__()
        self.protocol = protocol
        self.owed = owed
        self.request: web.BaseRequest | None = None
        """The request that a handler of ours answers now: from its beginning until its response is written."""
        self.keep_alive = False
        """Whether the last response leaves the connection open."""
        self.answered = 0
        """Requests."""
        self.received_since = False
        """Whether bytes came that no handler has been called for."""
        self.paused = False
        self.done = False
        self._front = front
        self._transport = transport
        self._is_reading = True

    def feed(self, data: bytes) -> bytes:
        """Give aiohttp what belongs to it.

        Returns:
            What belongs to the next request.
        """
        surplus = b""
        if self.owed is not None:
            data, surplus = data[: self.owed], data[self.owed :]
            self.owed -= len(data)
        if data:
            self.received_since = self.request is None
            self.protocol.data_received(data)
        return surplus

    def begin(self, request: web.BaseRequest) -> None:
        """Note that a handler of ours was called."""
        self.request = request
        self.received_since = False

    def finish(self, *, keep_alive: bool) -> None:
        """Note that the response of that handler is written."""
        self.request = None
        self.answered += 1
        self.keep_alive = keep_alive

    def write(self, data: Any) -> None:
        """Pass on what a handler of ours says; what aiohttp says by itself is replaced."""
        if self.done:  # invariant 4: a delegate that is done writes nothing
            return
        if self.request is None and bytes(data[: len(_CONTINUE)]) != _CONTINUE:
            self._front.refusal_of(self, int(bytes(data[_STATUS])))
            return
        self._front.write_of(self, bytes(data))

    def close(self) -> None:
        """Note that aiohttp is done; the connection itself is not aiohttp's to close."""
        if not self.done:
            self.done = True
            self._front.end_of(self)

    def abort(self) -> None:
        """Break the connection off."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether writing makes no sense any more."""
        return self.done or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell what is known of the real transport."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Stop what aiohttp is given."""
        self._is_reading = False
        self._front.reading_of(self, paused=True)

    def resume_reading(self) -> None:
        """Go on with it; a pause of the connection's own stays."""
        self._is_reading = True
        self._front.reading_of(self, paused=False)

    def is_reading(self) -> bool:
        """Tell whether aiohttp wants to read."""
        return self._is_reading

    def get_write_buffer_size(self) -> int:
        """Tell how many bytes the caller has not taken yet."""
        return self._transport.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        """Tell that one direction cannot be closed alone."""
        return False

    def pause_writing(self, paused: bool) -> None:
        """Tell aiohttp that the caller does not read, or reads again; only changes, which is what aiohttp expects."""
        if paused == self.paused or self.done:
            return
        self.paused = paused
        if paused:
            self.protocol.pause_writing()
        else:
            self.protocol.resume_writing()
