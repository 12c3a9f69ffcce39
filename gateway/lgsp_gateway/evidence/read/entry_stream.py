"""The stream that holds the evidence: how it must be configured, and where batches stand in it.

A message accepted by JetStream is on disk only where the server syncs always; by default it does so every two minutes,
and acknowledged messages were lost in public tests because of that. `refuse_lazy_disk` checks it before anything is served.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_problems import CannotStart
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.connection import connection_broken

STREAM = "LGSP_EVIDENCE"
SUBJECTS = "evidence."
DEDUPLICATION_SECONDS = 600
ANSWER_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Batch:
    """A message of the stream: entries that a gateway wrote at once, one a line.

    Args:
        sequence: its number in the stream.
    """

    sequence: int
    gateway: GatewayName
    data: bytes

    @property
    def entries(self) -> list[bytes]:
        """Return the entries of the batch, as they were written."""
        return self.data.split(b"\n")


def subject_of(gateway: GatewayName) -> str:
    """Return the subject on which a gateway writes its evidence."""
    return f"{SUBJECTS}{gateway}"


def filter_of(gateway: GatewayName | None) -> str:
    """Return the subject filter for the evidence of one gateway, or of all."""
    return subject_of(gateway) if gateway else SUBJECTS + "*"


async def ensure(connection: Client, replicas: int) -> None:
    """Create the stream of the evidence, or check that the one that exists is configured as it must be.

    Raises:
        Refusal: `cannot-start`.
    """
    config = StreamConfig(
        name=STREAM,
        description="One message is a group of evidence entries, one JSON object a line",
        subjects=[SUBJECTS + "*"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        num_replicas=replicas,
        duplicate_window=DEDUPLICATION_SECONDS,
        deny_delete=True,  # it is purged by `lgsp evidence archive` alone, a NATS user of its own
    )
    await streams.ensure(connection, config)


async def refuse_lazy_disk(system_connection: Client) -> None:
    """Refuse to go on where a NATS server does not sync each message to disk.

    Args:
        system_connection: a connection to the system account.

    Raises:
        Refusal: `cannot-start`, naming the server that does not, or when none answers.
    """
    inbox = system_connection.new_inbox()
    answers = await system_connection.subscribe(inbox)
    await system_connection.publish("$SYS.REQ.SERVER.PING.JSZ", b'{"config":true}', reply=inbox)
    replies = 0
    while True:
        try:
            message = await answers.next_msg(timeout=ANSWER_SECONDS if replies else 3)
        except NatsTimeoutError:
            break
        replies += 1
        answer: dict[str, Any] = orjson.loads(message.data)
        config = answer.get("data", {}).get("config") or {}
        if not config.get("sync_always"):
            name = answer.get("server", {}).get("name", "?")
            raise CannotStart(
                vi=f"Máy chủ NATS {name} không ghi đĩa ngay từng thông điệp nên có thể mất bằng chứng; hãy đặt jetstream {{ sync_interval: always }}.",
                en=f"NATS server {name} does not sync each message to disk and could lose evidence; set jetstream {{ sync_interval: always }}.",
            )
    await answers.unsubscribe()
    if not replies:
        if not system_connection.is_connected:
            raise connection_broken()
        raise CannotStart(
            vi="Không máy chủ NATS nào cho biết cách ghi đĩa; hãy cấp cho gateway một người dùng trong tài khoản hệ thống.",
            en="No NATS server says how it writes to disk; give the gateway a user in the system account.",
        )


async def last_sequence(connection: Client) -> int:
    """Return the number of the newest batch of all gateways."""
    info = await connection.jetstream().stream_info(STREAM)
    return int(info.state.last_seq)


async def batch(connection: Client, sequence: int) -> bytes | None:
    """Read the batch with a number; None where it is not in the stream any more."""
    try:
        return (await connection.jetstream().get_msg(STREAM, sequence)).data or b""
    except NotFoundError:
        return None


async def first_of(connection: Client, gateway: GatewayName) -> int:
    """Return the number of the oldest batch of a gateway that is still in the stream; 0 where there is none."""
    return await first_after(connection, 0, gateway)


async def first_after(connection: Client, after: int, gateway: GatewayName | None) -> int:
    """Return the number of the oldest batch of a gateway, or of any, with a higher number than `after`; 0 where there is none."""
    try:
        message = await connection.jetstream().get_msg(STREAM, after + 1, filter_of(gateway), next=True)
    except NotFoundError:
        return 0
    return int(message.seq or 0)


async def written_at(connection: Client, sequence: int) -> float | None:
    """Return when the first batch with a number, or a higher one, was written, in seconds since 1970; None where there is none."""
    try:
        message = await connection.jetstream().get_msg(STREAM, sequence, SUBJECTS + "*", next=True)
    except NotFoundError:
        return None
    return message.time.timestamp() if message.time else None


async def last_of(connection: Client, gateway: GatewayName) -> int:
    """Return the number of the newest batch that a gateway wrote; 0 where there is none."""
    try:
        return int((await connection.jetstream().get_last_msg(STREAM, subject_of(gateway))).seq or 0)
    except NotFoundError:
        return 0


async def gateways(connection: Client) -> list[GatewayName]:
    """List the gateways whose evidence is in the stream."""
    subjects = await streams.subjects(connection, STREAM, SUBJECTS + "*")
    return [names.gateway_name(subject.removeprefix(SUBJECTS)) for subject in subjects]
