"""What a NATS server sends is read the same however it is cut, and what is not the protocol ends the reading."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_runtime.nats import protocol
from lgsp_runtime.nats.link import Server
from lgsp_runtime.nats.protocol import AuthorizationError, PermissionsError, ProtocolError, ServerError, ServerStream

STREAM = (
    b'INFO {"max_payload":1048576}\r\nPONG\r\n'
    b"MSG svc.desk.v1.read 7 5\r\nhello\r\n"
    b"MSG svc.desk.v1.read 7 _INBOX.a.1 0\r\n\r\n"
    b"HMSG _INBOX.a.2 8 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
    b"MSG not.ours 9 4\r\n\r\n\r\n\r\n"
    b"PING\r\n"
    b"HMSG svc.desk.v1.read 7 _INBOX.a.3 22 27\r\nNATS/1.0\r\nA: 1\r\nB:\r\n\r\nMSG 7\r\n"
    b"+OK\r\n-ERR 'Stale Connection'\r\n"
)
TOLD: list[Any] = [
    b'INFO {"max_payload":1048576}',
    b"PONG",
    (b"svc.desk.v1.read", b"", b"hello", b""),
    (b"svc.desk.v1.read", b"_INBOX.a.1", b"", b""),
    (b"_INBOX.a.2", b"", b"", b"NATS/1.0 503\r\n\r\n"),
    b"PING",
    (b"svc.desk.v1.read", b"_INBOX.a.3", b"MSG 7", b"NATS/1.0\r\nA: 1\r\nB:\r\n\r\n"),
    b"+OK",
    b"-ERR 'Stale Connection'",
]


class Reader:
    """Who is told of what a stream holds."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.broken: list[Exception] = []
        self.nonsense: list[ProtocolError] = []
        handlers = {b"7": self._take, b"8": self._take}
        self.stream = ServerStream(handlers, self.told.append, self.broken.append, self.nonsense.append)

    def _take(self, *message: bytes) -> None:
        self.told.append(message)
        if message[2] == b"raise":
            raise RuntimeError

    def feed(self, *pieces: bytes) -> "Reader":
        for piece in pieces:
            self.stream.feed(piece)
        return self


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_a_stream_that_is_cut_once(at: int) -> None:
    assert Reader().feed(STREAM[:at], STREAM[at:]).told == TOLD


def test_a_stream_that_comes_byte_by_byte() -> None:
    reader = Reader().feed(*(STREAM[at : at + 1] for at in range(len(STREAM))))
    assert (reader.told, reader.nonsense) == (TOLD, [])


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_a_stream_that_is_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert Reader().feed(*(STREAM[a:b] for a, b in pairwise(edges))).told == TOLD


def test_a_large_message_in_many_pieces() -> None:
    payload = bytes(range(256)) * 16_384
    data = b"MSG a 7 %d\r\n" % len(payload) + payload + b"\r\nPING\r\n"
    reader = Reader().feed(*(data[at : at + 65_536] for at in range(0, len(data), 65_536)))
    assert reader.told == [(b"a", b"", payload, b""), b"PING"]


def test_a_handler_that_raises_ends_nothing() -> None:
    reader = Reader().feed(b"MSG a 7 5\r\nraise\r\nMSG a 7 2\r\nok\r\n")
    assert [message[2] for message in reader.told] == [b"raise", b"ok"]
    assert [type(error) for error in reader.broken] == [RuntimeError]
    assert reader.nonsense == []


@pytest.mark.parametrize(
    "data",
    [
        b"MSG a 7 x\r\n",
        b"MSG a 7 -2\r\nhello\r\n",
        b"MSG a 7 1\r\nhello\r\n",
        b"MSG 7 5\r\nhello\r\n",
        b"MSG a 7 b c 5\r\nhello\r\n",
        b"MSG a 7 99999999999999\r\n",
        b"MSG \r\n",
        b"HMSG a 7 9 5\r\nhello\r\n",
        b"HMSG a 7 -1 5\r\nhello\r\n",
        b"HMSG a 7 x 5\r\nhello\r\n",
        b"HMSG a 7 5\r\nhello\r\n",
        b"x" * (protocol.MAX_LINE_BYTES + 1),
    ],
    ids=lambda data: data[:20].decode(),
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_not_the_protocol(data: bytes, whole: bool) -> None:
    """It is told of once, in bounded memory, and no handler is called."""
    reader = Reader()
    step = len(data) if whole else 1 + len(data) // 100
    for piece in [data[at : at + step] for at in range(0, len(data), step)]:
        reader.feed(piece)
        if reader.nonsense:  # the connection ends here
            break
    assert len(reader.nonsense) == 1
    assert reader.told == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"-ERR 'Authorization Violation'", AuthorizationError),
        (b"-ERR 'Authentication Timeout'", AuthorizationError),
        (b"-ERR 'User Authentication Expired'", AuthorizationError),
        (b"-ERR 'User Authentication Revoked'", AuthorizationError),
        (b"-ERR 'Account Authentication Expired'", AuthorizationError),
        (b"-ERR 'Permissions Violation for Publish to \"a\"'", PermissionsError),
        (b"-ERR 'Permissions Violation for Subscription to \"b\"'", PermissionsError),
        (b"-ERR 'Stale Connection'", ServerError),
        (b"-ERR 'Maximum Payload Violation'", ServerError),
        (b"-ERR 'Unknown Protocol Operation'", ServerError),
        (b"-ERR", ServerError),
    ],
)
def test_the_kinds_of_error(line: bytes, kind: type[ServerError]) -> None:
    assert type(protocol.server_error(line)) is kind


@given(st.dictionaries(st.from_regex(r"[A-Za-z-]+", fullmatch=True), st.from_regex(r"[!-~]*", fullmatch=True)))
def test_headers_are_read_as_they_were_written(fields: dict[str, str]) -> None:
    assert protocol.decode_headers(protocol.encode_headers(fields)) == fields


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\rb"])
def test_a_header_holds_no_line_end(value: str) -> None:
    with pytest.raises(ValueError, match="line end"):
        protocol.encode_headers({"A": value})


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB b 0", "a\tb", "đ"])
def test_what_is_no_subject_is_not_subscribed_to(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        protocol.subscribe_line(b"1", subject, "")
    if subject:
        with pytest.raises(ValueError, match="subject"):
            protocol.subscribe_line(b"1", "a", subject)


def test_addresses() -> None:
    assert Server.parse("nats.lgsp:4333") == Server("nats.lgsp", 4333, False, "nats.lgsp")
    assert Server.parse("tls://u:p@[::1]") == Server("::1", 4222, True, "::1", "u", "p")
    seed = Server.parse("tls://nats.lgsp")
    assert seed.sibling("10.0.0.7:4222") == Server("10.0.0.7", 4222, True, "nats.lgsp")
    assert seed.sibling("other.lgsp:4222") == Server("other.lgsp", 4222, True, "other.lgsp")
    for address in ("ws://nats.lgsp", "http://nats.lgsp", "", "nats://"):
        with pytest.raises(ValueError, match="nats://host:port"):
            Server.parse(address)
