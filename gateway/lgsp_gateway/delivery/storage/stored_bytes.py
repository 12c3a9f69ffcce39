"""How many bytes each agency has stored: what waits for its providers, the answers and states that are kept for it, its events, its dead letters.

No stream tells the bytes of a part of its messages, so the gateways count them. What ends at a known time is counted until the end of that day: a
message until its deadline, an event for its retention, an answer and a state until it is deleted. What is settled earlier is taken off again. So a count that
was lost with a gateway that was killed (a second's worth at most) is forgotten with its day, and nothing has to be counted again.

The counts are counters of NATS (ADR-49 of NATS), so they are the same on every gateway and after each restart. A gateway adds up what changes in a
second, and hears what others add. Dead letters have no end: they are few, and read from their stream, by their headers alone. Those that a gateway
buries between two readings it counts at once, or whoever has many buried could store what they like until the next one.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.delivery.streams import DEAD, OWNER
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.nats.stream_reading import read_stream

STREAM = "LGSP_STORED"
SUBJECTS = "stored."
DAY_SECONDS = 86_400
MAX_DAYS = 400
"""Days that a count is kept; no contract keeps anything longer."""
EACH_BYTES = 1024
"""Bytes that each message takes beside its content, in its stream and in the memory of the servers."""
FLUSH_SECONDS = 1.0
READ_SECONDS = 60.0
"""Between two readings of all counts, which find what a lost connection hid."""
WRITE_SECONDS = 5.0
DEAD_SECONDS = 10.0
"""Between two readings of the dead letters, and a hundred times as long as one takes."""
MAX_DEAD_SHARE = 0.01
_INCREMENT, _ORIGIN, _MESSAGE_ID, _SIZE = "Nats-Incr", "Lgsp-Origin", "Nats-Msg-Id", "Nats-Msg-Size"


AgencyOf = Callable[[str], str]
"""Names the agency of a system; "" of one that is gone."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of a count that is to be written; `id` tells a repetition."""

    subject: str
    size: int
    id: str


class StoredBytes:
    """What each agency has stored, as one gateway knows it.

    Args:
        bus: writes the counts.
        gateway: its name.
    """

    def __init__(self, bus: NatsRequestReply, gateway: str) -> None:
        self._bus = bus
        self._origin = f"{gateway}-{secrets.token_hex(6)}"
        self._number = 0
        self._counts: dict[str, Counter[int]] = {}
        """Bytes by agency, and by the day at whose end they are gone (days since 1970)."""
        self._gathered: Counter[tuple[str, int]] = Counter()
        """Changes that are not written yet."""
        self._unacknowledged: list[_Change] = []
        self._dead: dict[str, int] = {}
        self._dead_revision = -1
        self._buried: Counter[str] = Counter()
        """Bytes of the dead letters of this gateway that the last reading may not have found, by agency."""
        self._agency_of: AgencyOf = lambda _: ""
        self._connection: Client | None = None

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Make the stream of counters if it is not there, read it, and follow it from now on.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        self._connection = connection
        await streams.ensure_raw(
            connection,
            {
                "name": STREAM,
                "description": "How many bytes each agency has stored, by the day until which they are kept",
                "subjects": [SUBJECTS + ">"],
                "storage": "file",
                "num_replicas": replicas,
                "max_age": MAX_DAYS * DAY_SECONDS * 1_000_000_000,
                "max_msgs_per_subject": 1,
                "allow_msg_counter": True,
                "allow_direct": True,
            },
        )
        await connection.subscribe(SUBJECTS + ">", cb=background.guard("stored bytes", self._on_change))
        await self._read_counts()
        background.run_every("stored bytes", FLUSH_SECONDS, self._write_changes, within=60, at_once=False)
        background.run_every("counts of stored bytes", READ_SECONDS, self._read_again, within=60, at_once=False)

    async def stop(self) -> None:
        """Write what has changed, as far as that is possible now."""
        await self._write_changes()

    def follow_dead_letters(self, agency_of: AgencyOf, background: Background) -> None:
        """Count dead letters too, from now on.

        Args:
            agency_of: names the agency of a system.
        """
        pause, self._agency_of = DEAD_SECONDS, agency_of

        async def read() -> None:
            nonlocal pause
            began = time.monotonic()
            await self._read_dead_letters()
            pause = max(DEAD_SECONDS, (time.monotonic() - began) / MAX_DEAD_SHARE)

        background.run_every("bytes of dead letters", lambda: pause, read, within=None)

    def add(self, agency: str, size: int, until: float) -> None:
        """Count something that was stored.

        Args:
            size: bytes of its content; what it takes beside that is added.
            until: when it is gone, in seconds since 1970.
        """
        self._change(agency, size + EACH_BYTES, until)

    def remove(self, agency: str, size: int, until: float) -> None:
        """Take off what was counted, with the same arguments."""
        self._change(agency, -size - EACH_BYTES, until)

    def add_dead_letter(self, owner: str, size: int) -> None:
        """Count a dead letter that was stored.

        Args:
            owner: the system that it belongs to.
            size: bytes of its content; what it takes beside that is added.
        """
        self._buried[self._agency_of(owner)] += size + EACH_BYTES

    def bytes_of(self, agency: str, now: float) -> int:
        """Return how many bytes an agency has stored."""
        return self.message_bytes_of(agency, now) + self.dead_letter_bytes_of(agency)

    def message_bytes_of(self, agency: str, now: float) -> int:
        """Return the bytes of the waiting messages, kept answers and events of an agency."""
        days, today = self._counts.get(agency), int(now) // DAY_SECONDS
        counted = sum(size for day, size in days.items() if day >= today) if days else 0
        return max(0, counted)

    def dead_letter_bytes_of(self, agency: str) -> int:
        """Return the bytes of the dead letters of an agency."""
        return self._dead.get(agency, 0) + self._buried[agency]

    def bytes_by_agency(self, now: float) -> dict[str, int]:
        """Return the bytes of each agency that has stored any."""
        agencies = self._counts.keys() | self._dead.keys() | self._buried.keys()
        found = {agency: self.bytes_of(agency, now) for agency in agencies}
        return {agency: size for agency, size in found.items() if size}

    def _change(self, agency: str, size: int, until: float) -> None:
        day = int(until) // DAY_SECONDS
        self._apply(agency, day, size)
        self._gathered[agency, day] += size

    def _apply(self, agency: str, day: int, size: int) -> None:
        self._counts.setdefault(agency, Counter())[day] += size

    async def _on_change(self, message: Msg) -> None:
        headers = message.headers or {}
        if headers.get(_ORIGIN) != self._origin and headers.get(_INCREMENT):
            agency, day = _read_subject(message.subject)
            self._apply(agency, day, int(headers[_INCREMENT]))

    async def _write_changes(self) -> None:
        """Write what has changed; what is not acknowledged is written again."""
        gathered, self._gathered = self._gathered, Counter()
        for (agency, day), size in gathered.items():
            if size:
                self._number += 1
                change = _Change(f"{SUBJECTS}{day}.{agency}", size, f"{self._origin}-{self._number}")
                self._unacknowledged.append(change)
        try:
            while self._unacknowledged:
                change = self._unacknowledged[0]
                headers = {_INCREMENT: f"{change.size:+d}", _ORIGIN: self._origin, _MESSAGE_ID: change.id}
                acknowledged = await self._bus.publish(change.subject, b"", headers, WRITE_SECONDS)
                if not acknowledged.get("seq"):
                    return
                self._unacknowledged.pop(0)
        except Refusal:
            return

    async def _read_again(self) -> None:
        try:
            await self._read_counts()
        except Refusal as refusal:
            structlog.get_logger().warning("stored bytes not read", code=refusal.code)

    async def _read_counts(self) -> None:
        """Read all counts of days that are not over.

        Raises:
            Refusal: `bus-unavailable`.
        """
        counts: dict[str, Counter[int]] = {}
        today = int(time.time()) // DAY_SECONDS
        async for message in read_stream(self._connected(), STREAM, SUBJECTS + ">", 0, only_latest=True):
            agency, day = _read_subject(message.subject)
            if day >= today:
                counts.setdefault(agency, Counter())[day] = int(orjson.loads(message.data)["val"])
        self._counts = counts
        for change in self._unacknowledged:
            agency, day = _read_subject(change.subject)
            self._apply(agency, day, change.size)
        for (agency, day), size in self._gathered.items():
            self._apply(agency, day, size)

    async def _read_dead_letters(self) -> None:
        before = self._buried.copy()  # what was stored by now is found
        try:
            revision = int((await self._connected().jetstream().stream_info(DEAD)).state.last_seq)
            if revision == self._dead_revision:
                self._buried -= before
                return
            found: Counter[str] = Counter()
            async for message in read_stream(self._connected(), DEAD, "dead.>", 0, headers_only=True):
                headers = message.headers or {}
                if OWNER in headers:
                    found[self._agency_of(headers.get(OWNER, ""))] += int(headers.get(_SIZE, "0")) + EACH_BYTES
        except (Refusal, NatsError, OSError) as error:
            structlog.get_logger().warning("dead letters not counted", error=type(error).__name__)
            return
        self._dead, self._dead_revision = dict(found), revision
        self._buried -= before

    def _connected(self) -> Client:
        assert self._connection is not None
        return self._connection


def _read_subject(subject: str) -> tuple[str, int]:
    """Return the agency and the day of a count."""
    day, agency = subject.removeprefix(SUBJECTS).split(".", 1)  # the code of an agency may have points
    return agency, int(day)
