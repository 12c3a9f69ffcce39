"""The registry as it was at a time: documents that changed since are written once more as they were then.

The history stays whole. What was changed after that time is seen in it, and so is that it was taken back, when and why; a registry that
had lost its last day could not say who granted what on it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.registry.store import STREAM, SUBJECTS
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.nats.stream_reading import read_stream

BY = "lgsp restore"
"""Who wrote the versions that take changes back, in their history."""


@dataclass(frozen=True, slots=True)
class PointInTime:
    """A state of the registry: at a time, or by its newest revision.

    Args:
        text: as it was given.
        time: seconds since 1970; 0 where the revision counts.
        revision: 0 where the time counts.
    """

    text: str
    time: float = 0
    revision: int = 0

    @classmethod
    def parse(cls, text: str) -> "PointInTime":
        """Parse a time with its zone (`2026-11-29T08:00:00+07:00`) or a revision (`1204`).

        Raises:
            Refusal: `malformed`.
        """
        if re.fullmatch(r"[1-9]\d{0,17}", text):
            return cls(text, revision=int(text))
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
        except ValueError as error:
            raise Refusal(
                "malformed",
                vi=f"“{text}” không phải thời điểm hay số phiên bản; hãy viết như 2026-11-29T08:00:00+07:00 hoặc 1204.",
                en=f'"{text}" is neither a time nor a revision; write it as 2026-11-29T08:00:00+07:00 or 1204.',
            ) from error
        return cls(text, time=moment.timestamp())

    def includes(self, message: Msg) -> bool:
        """Tell whether a version had been written at that point."""
        metadata = message.metadata
        if self.revision:
            return bool(metadata.sequence.stream <= self.revision)
        return bool(metadata.timestamp.timestamp() <= self.time)


async def reset_registry(connection: Client, point: PointInTime) -> int:
    """Write the documents that changed after a point in time once more, as they were then; those that were made since are deleted.

    Returns:
        How many documents were written.

    Raises:
        Refusal: `bus-unavailable`.
    """
    newest, then = dict[str, int](), dict[str, bytes]()
    changed = set[str]()
    async for message in read_stream(connection, STREAM, SUBJECTS + ">", 0):
        newest[message.subject] = message.metadata.sequence.stream
        if point.includes(message):
            then[message.subject] = message.data
        else:
            changed.add(message.subject)
    now = datetime.now(UTC)
    try:
        for subject in sorted(changed):
            content = orjson.loads(then[subject]) if subject in then else {"spec": None}
            content |= {"at": int(now.timestamp() * 1000), "by": BY, "reason": f"as of {point.text}"}
            headers = {"Nats-Expected-Last-Subject-Sequence": str(newest[subject])}
            await connection.jetstream().publish(subject, orjson.dumps(content), headers=headers)
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    return len(changed)
