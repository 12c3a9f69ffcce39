"""Reads single messages of a stream, and pages of them, the newest first, by JetStream's direct get.

JetStream reads forwards only: by sequence, from a given one on. A page of the newest is read in ranges of sequences that grow while they are
empty, from the end backwards. What stands in a message is parsed as it arrives and let go, so a page of large messages needs no
memory for them.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.delivery.storage.last_message import SECONDS, StoredMessage
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_problems import Refusal
from lgsp_runtime.nats import leader_reads
from lgsp_runtime.nats.direct_get import read_batch
from lgsp_runtime.nats.request_reply import bus_unavailable

__all__ = ["Page", "StoredMessage", "StoredMessages", "decode_cursor"]

T = TypeVar("T")

NARROW = 64
"""Sequences of the first range."""
WIDE = 1 << 20
"""Sequences of the widest range."""
MAX_READ = 2_000
"""Messages that are read for one page; it is shorter where few of them are wanted."""
MAX_READ_BYTES = 16 * 1024 * 1024
"""Bytes after which a page ends, however few of its messages are wanted: no list may keep NATS busy for others."""

_NOT_FOUND = "404"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a stream, the newest first.

    Args:
        items: each with the sequence of its message.
        before: the sequence before which the next page begins; 0 where there is none.
    """

    items: list[tuple[int, T]]
    before: int


class StoredMessages:
    """The messages of one stream, whose payloads are encrypted."""

    def __init__(self, connection: Client, stream: str, cipher: PayloadCipher) -> None:
        self._connection = connection
        self._stream = stream
        self._cipher = cipher

    async def last(self, subject: str) -> StoredMessage | None:
        """Return the last message of a subject, which may be damaged; None where there is none.

        Args:
            subject: may have wildcards.

        Raises:
            Refusal: `bus-unavailable`.
        """
        try:
            reply = await self._connection.request(
                leader_reads.subject_of(self._stream), leader_reads.last_of(subject), timeout=SECONDS
            )
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        found = leader_reads.read_reply(reply.data)
        return StoredMessage.read(*found, self._cipher) if found else None

    async def newest(
        self, subject: str, before: int, limit: int, parse: Callable[[StoredMessage], T | None]
    ) -> Page[T]:
        """Return the newest messages of a subject.

        Args:
            subject: may have wildcards.
            before: only messages with a lower sequence; 0 for all.
            parse: returns what is wanted of a message, which may be damaged; None where it is not wanted.

        Raises:
            Refusal: `bus-unavailable`.
        """
        size = 0

        def measure(message: StoredMessage) -> T | None:
            nonlocal size
            size += len(message.payload)
            return parse(message)

        try:
            first, last = await self._bounds()
            items: list[tuple[int, T]] = []
            high, width, read = min(before or last + 1, last + 1), NARROW, 0
            while high > first and len(items) < limit and read < MAX_READ and size < MAX_READ_BYTES:
                low = max(first, high - width)
                number, found, whole = await self._read(subject, low, high, measure, enough=width > NARROW)
                read += number
                if not whole:
                    width = max(NARROW, width // 16)
                    continue
                items += reversed(found)
                high = low
                width = min(width * 4, WIDE) if number < NARROW // 4 else width
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        kept = items[:limit]
        if len(items) > limit:
            high = kept[-1][0]
        return Page(kept, high if high > first else 0)

    async def following(self, subject: str, after: int, size: int) -> list[StoredMessage]:
        """Return the next messages of a subject, damaged ones too; none where there are no more.

        Args:
            after: only messages with a higher sequence.
            size: at most so many.

        Raises:
            Refusal: `bus-unavailable`.
        """
        try:
            batch, _ = await self._batch(subject, after + 1, size, _whole)
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return [message for _, message in batch if message is not None]

    async def count(self, subject: str) -> int:
        """Return how many messages of a subject the stream has.

        Args:
            subject: may have wildcards.

        Raises:
            Refusal: `bus-unavailable`.
        """
        reply = await self._get({"seq": 1, "next_by_subj": subject, "batch": 1})
        if self._stored(reply) is None:
            return 0
        return 1 + int((reply.headers or {}).get("Nats-Num-Pending", "0"))

    async def last_sequence(self) -> int:
        """Return the sequence of the newest message of the stream: what it holds is the same for as long as this is.

        Raises:
            Refusal: `bus-unavailable`.
        """
        try:
            return (await self._bounds())[1]
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def _get(self, wanted: dict[str, Any]) -> Msg:
        """Return the reply to a direct get of one message.

        Raises:
            Refusal: `bus-unavailable`.
        """
        subject = f"$JS.API.DIRECT.GET.{self._stream}"
        try:
            return await self._connection.request(subject, orjson.dumps(wanted), timeout=SECONDS)
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def _bounds(self) -> tuple[int, int]:
        """Return the first and the last sequence."""
        reply = await self._connection.request(f"$JS.API.STREAM.INFO.{self._stream}", timeout=SECONDS)
        document = orjson.loads(reply.data)
        if "state" not in document:
            raise bus_unavailable()
        return document["state"]["first_seq"], document["state"]["last_seq"]

    async def _read(
        self,
        subject: str,
        low: int,
        high: int,
        parse: Callable[[StoredMessage], T | None],
        *,
        enough: bool,
    ) -> tuple[int, list[tuple[int, T]], bool]:
        """Read the messages of a range of sequences.

        Args:
            enough: stop after `NARROW` messages; they are not the last ones of the range then.

        Returns:
            How many there were, what was wanted of them, and whether those are all.
        """
        number, found = 0, list[tuple[int, T]]()
        while low < high:
            batch, more = await self._batch(subject, low, min(NARROW, high - low), parse)
            inside = [(sequence, wanted) for sequence, wanted in batch if sequence < high]
            number += len(inside)
            found += [(sequence, wanted) for sequence, wanted in inside if wanted is not None]
            if not more or len(inside) < len(batch) or not batch:
                return number, found, True
            if enough and number >= NARROW:
                return number, [], False
            low = batch[-1][0] + 1
        return number, found, True

    async def _batch(
        self, subject: str, sequence: int, size: int, parse: Callable[[StoredMessage], T | None]
    ) -> tuple[list[tuple[int, T | None]], bool]:
        """Read some messages from a sequence on, and whether the stream has more of the subject."""

        def parse_reply(reply: Msg) -> tuple[int, T | None]:
            message = self._stored(reply)
            if message is None:
                raise bus_unavailable()
            return message.sequence, parse(message)

        return await read_batch(self._connection, self._stream, subject, sequence, size, parse_reply)

    def _stored(self, reply: Msg) -> StoredMessage | None:
        """Read the reply to a direct get.

        Raises:
            Refusal: `bus-unavailable`, where JetStream cannot answer, or the key of a payload is not there.
        """
        headers = reply.headers or {}
        if headers.get("Status") == _NOT_FOUND:
            return None
        return StoredMessage.read(headers, reply.data, self._cipher)


def _whole(message: StoredMessage) -> StoredMessage:
    return message


def decode_cursor(text: str, number: int) -> tuple[int, ...]:
    """Read where a page begins from a cursor of so many sequences, as `list_response` writes it.

    Raises:
        Refusal: `malformed`.
    """
    try:
        content = base64.urlsafe_b64decode(text).decode("ascii")
        sequences = tuple(int(one) for one in content.split(" "))
        if len(sequences) != number or not all(0 <= one < 1 << 63 for one in sequences):
            raise ValueError
    except ValueError as error:
        raise Refusal(
            "malformed",
            vi="after phải là giá trị next của trang trước; hãy chép lại nguyên vẹn.",
            en="after must be the value of next of the page before; copy it in full.",
        ) from error
    return sequences
