"""The NATS client protocol as bytes: what a server sends is taken apart here, and what a client says is put together.

Pure: no connection, no clock. `ServerStream` is fed whatever arrives, cut anywhere, and calls the handler of each message at once,
without an object, a queue or a task between. That is what makes `FastNatsClient` fast (docs/decisions/027).
"""

from collections.abc import Callable, Mapping

import orjson
from nats.errors import Error as NatsError

RawHandler = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes subject, reply subject, payload and raw headers of a message, at once and without waiting for anything."""

MAX_LINE_BYTES = 64 * 1024
"""A longer line is none of this protocol; the longest, INFO, has some hundred bytes and an address for each server."""

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""The most that a nats-server can be told to let pass (`max_payload`)."""

PING, PONG = b"PING\r\n", b"PONG\r\n"
NO_RESPONDERS = b"NATS/1.0 503"
"""How the headers of the reply begin that a server gives itself, where nobody serves a subject."""


class ProtocolError(NatsError, ValueError):
    """What arrived is not the NATS protocol; the connection cannot be read any further."""


class ServerError(NatsError):
    """The server said `-ERR`, and ends the connection."""

    def __init__(self, text: str) -> None:
        super().__init__(f"nats: {text}")


class AuthorizationError(ServerError):
    """It does not know the user or the token, or knows it no more: a token that expired, a password that changed."""


class PermissionsError(ServerError):
    """One publication or subscription is not allowed; the connection goes on."""


def server_error(line: bytes) -> ServerError:
    """Return the error that a line `-ERR '…'` reports, by its kind."""
    text = line[4:].strip().strip(b"'").decode("utf-8", "replace")
    kind = text.lower()
    if kind.startswith("permissions violation"):
        return PermissionsError(text)
    if kind.startswith(("authorization", "authentication", "user authentication", "account authentication")):
        return AuthorizationError(text)
    return ServerError(text)


def encode_headers(fields: Mapping[str, str]) -> bytes:
    """Write the header block of a message (NATS ADR-4).

    Raises:
        ValueError: a value holds a line end.
    """
    block = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if block.count("\n") != len(fields) or block.count("\r") != len(fields):
        raise ValueError("a header value holds a line end")
    return f"NATS/1.0\r\n{block}\r\n".encode()


def decode_headers(block: bytes) -> dict[str, str]:
    """Read the fields of a header block that `encode_headers` made."""
    lines = block.decode().split("\r\n")[1:]
    return {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}


def connect_line(options: Mapping[str, object]) -> bytes:
    """`CONNECT`, with what a client says of itself."""
    return b"CONNECT " + orjson.dumps(options) + b"\r\n"


def subscribe_line(subscription: bytes, subject: str, queue: str) -> bytes:
    """`SUB`; the server answers nothing to it.

    Raises:
        ValueError: subject or queue group are none.
    """
    for token in (subject, queue or "q"):
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("a subject or a queue group is empty or holds a blank")
    return f"SUB {subject} {queue} ".encode() + subscription + b"\r\n"


def unsubscribe_line(subscription: bytes) -> bytes:
    """`UNSUB`: no message of this subscription after those that are on their way."""
    return b"UNSUB " + subscription + b"\r\n"


class ServerStream:
    """Take apart what one server sends on one connection.

    Args:
        handlers: who takes the messages of each subscription, by its id; of any other a message is dropped.
        on_control: takes each line that is no message, without its end: INFO, PING, PONG, +OK, -ERR.
        on_handler_error: told what a handler raised; what comes after is read all the same.
        on_protocol_error: told that what arrives is not the NATS protocol; what was whole before it has been handed over, nothing after it is.
    """

    def __init__(
        self,
        handlers: Mapping[bytes, RawHandler],
        on_control: Callable[[bytes], None],
        on_handler_error: Callable[[Exception], None],
        on_protocol_error: Callable[[ProtocolError], None],
    ) -> None:
        self._handlers = handlers
        self._on_control = on_control
        self._on_handler_error = on_handler_error
        self._on_protocol_error = on_protocol_error
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 0

    def feed(self, data: bytes) -> None:
        """Read what has arrived."""
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:  # joined once, however many pieces a large message comes in
                return
            data = b"".join(self._pieces)
            self._pieces.clear()
        at, end, needed = 0, len(data), 1
        try:
            while at < end:
                line_end = data.find(b"\r\n", at)
                if line_end < 0:
                    break
                kind = data[at : at + 4]
                if kind == b"MSG " or kind == b"HMSG":  # noqa: PLR1714 - faster than a tuple
                    fields = data[at:line_end].split()
                    after = line_end + 4 + int(fields[-1])
                    if after > end:
                        needed = after - at
                        break
                    self._deliver(data, fields, line_end + 2, after - 2)
                    at = after
                else:
                    self._on_control(data[at:line_end])
                    at = line_end + 2
            if at < end:
                self._buffer_until(data[at:], needed)
        except ValueError as error:
            nonsense = ProtocolError("nats: a number or a document cannot be read")
            self._on_protocol_error(error if isinstance(error, ProtocolError) else nonsense)

    def _buffer_until(self, begun: bytes, needed: int) -> None:
        """Keep what is not whole yet until so many bytes of it are there."""
        if needed > MAX_MESSAGE_BYTES or (needed == 1 and len(begun) > MAX_LINE_BYTES):
            raise ProtocolError("nats: a line has no end, or a message no possible size")
        self._pieces.append(begun)
        self._held, self._needed = len(begun), needed

    def _deliver(self, data: bytes, fields: list[bytes], start: int, end: int) -> None:
        """Hand over `MSG subject subscription [reply] size` or `HMSG subject subscription [reply] header-size size`."""
        plain = len(fields[0]) == 3
        required = 4 if plain else 5
        body = start if plain else start + int(fields[-2])
        if not required <= len(fields) <= required + 1 or not start <= body <= end or data[end : end + 2] != b"\r\n":
            raise ProtocolError("nats: a message begins or ends with nonsense")
        handler = self._handlers.get(fields[2])
        if handler is None:
            return
        reply = fields[3] if len(fields) > required else b""
        try:
            handler(fields[1], reply, data[body:end], b"" if plain else data[start:body])
        except Exception as error:  # raised here, it would cost the connection with all that is under way
            self._on_handler_error(error)
