"""Stores events in `LGSP_EVENTS`, each once: one that comes again is compared with the one that is there."""

from typing import NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from lgsp_contracts.contract import Contract
from lgsp_contracts.event import Event
from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.events.event_record import EventRecord, message_id
from lgsp_gateway.delivery.storage.batch import TTL
from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnreadablePayloadError
from lgsp_problems import EventConflict
from lgsp_runtime.nats.request_reply import bus_unavailable


class Acceptance(NamedTuple):
    """An event is on disk.

    Args:
        message: its id on the bus; of a repeated event that of the first one.
        repeated: it had been stored before.
    """

    message: str
    repeated: bool


class EventStore:
    """Stores the events of one gateway.

    Args:
        commits: writes to the stream.
        connection: reads from it.
    """

    def __init__(self, commits: GroupCommit, connection: Client, cipher: PayloadCipher) -> None:
        self._cipher = cipher
        self._commits = commits
        self._connection = connection

    async def store(self, contract: Contract, event: Event, record: EventRecord) -> Acceptance:
        """Store an event; it is on disk when this returns. Those of one contract's event are stored in the order of the calls.

        Raises:
            EventConflict: an event of the same source and id says something else.
            Refusal: `bus-unavailable` or `too-large`.
        """
        message = NewMessage(
            streams.event_subject(contract.service, contract.major, event.name),
            record.to_bytes(),
            {TTL: f"{int(event.retention)}s"},
            message_id(record.context),
        )
        stored = await self._commits.publish(message)
        if not (stored.duplicate or stored.uncertain):
            return Acceptance(record.message, repeated=False)
        first = await self._read(stored.sequence)
        if first.message == record.message:  # its acknowledgement was lost
            return Acceptance(record.message, repeated=False)
        if not first.is_repeated_by(record):
            raise _conflict()
        return Acceptance(first.message, repeated=True)

    async def _read(self, sequence: int) -> EventRecord:
        try:
            found = await self._connection.jetstream().get_msg(streams.EVENTS, sequence)
        except NotFoundError as error:  # its retention ended just now, and a moment later it is new
            raise bus_unavailable() from error
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return EventRecord.from_bytes(self._decrypted(found))

    def _decrypted(self, found: RawStreamMsg) -> bytes:
        try:
            return self._cipher.decrypt(str(found.subject), found.data or b"")
        except UnreadablePayloadError as error:
            raise bus_unavailable() from error


def _conflict() -> EventConflict:
    return EventConflict(
        vi="Sự kiện có source và id này đã được công bố với nội dung khác; hãy đặt id mới cho sự kiện mới.",
        en="An event with this source and id was published with other content; give a new event an id of its own.",
    )
