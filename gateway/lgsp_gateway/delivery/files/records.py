"""The records of files, in a stream that every gateway shares.

A record changes by its revision (`RevisionConflict`), so of two gateways that write one upload or delete one file the server lets one.
"""

from dataclasses import replace

import structlog
from nats.aio.client import Client

from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.delivery.files.record_index import RecordIndex
from lgsp_gateway.delivery.replicated_bucket import BucketEntry, ReplicatedBucket
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.request_reply import NatsRequestReply

BUCKET = "LGSP_FILE_RECORDS"


class FileRecords:
    """Reads and writes records of files, and follows all of them in memory.

    Args:
        cipher: encrypts the records: the name of a file may name a person.
    """

    def __init__(self, bus: NatsRequestReply, cipher: PayloadCipher) -> None:
        self._bucket = ReplicatedBucket(BUCKET, bus, self._on_change, cipher)
        self.index = RecordIndex()

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Make the streams where they are not there, and read the records.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        await self._bucket.start(connection, replicas, background)

    async def get(self, file: str) -> FileRecord | None:
        """Read the newest version of a record; None where there is none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        entry = await self._bucket.read(file)
        return FileRecord.decode(entry.value, entry.revision) if entry.value else None

    async def put(self, record: FileRecord) -> FileRecord:
        """Store a record that was made from its `revision`; the index has it when this returns.

        Returns:
            The record with its new revision.

        Raises:
            RevisionConflict: somebody else changed it first.
            Refusal: `bus-unavailable`.
        """
        revision = await self._bucket.put(record.id, record.encode(), record.revision)
        return replace(record, revision=revision)

    async def remove(self, record: FileRecord) -> None:
        """Forget a record; see `put`."""
        await self._bucket.delete(record.id, record.revision)

    def _on_change(self, entry: BucketEntry) -> None:
        if entry.value is None:
            self.index.remove(entry.key)
            return
        try:
            self.index.put(FileRecord.decode(entry.value, entry.revision))
        except (ValueError, KeyError, TypeError) as error:  # of a later version of the bus, say
            structlog.get_logger().error("file record not read", file=entry.key, frames=frames(error))
