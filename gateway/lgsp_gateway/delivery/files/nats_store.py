"""Keeps the content of files in a stream of NATS, replicated as the other streams are: for several gateways without an object store.

Not the object store of nats-py: it puts an object from beginning to end in one go, so an upload that is interrupted begins anew, and it
deletes by purging the stream, which gateways may not do. Here each chunk is a message on a subject of its own. It is deleted by an empty
message in its place, which goes by itself a second later; what nobody deletes goes by the age of the stream.
"""

from collections.abc import Collection

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from lgsp_gateway.delivery.files.file_store import storage_full, storage_unavailable
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_problems import StorageFull
from lgsp_runtime.nats import streams

STREAM = "LGSP_FILES"
SUBJECTS = "files.chunk."
MAX_AGE_DAYS = 100
PUBLISH_SECONDS = 20.0
_DELETED = {"Nats-TTL": "1s"}


class NatsStore:
    """Chunks as messages of a stream.

    Args:
        connection: of its own, so that nothing else waits behind the content of files.
        space: what NATS may store.
    """

    chunk_bytes = 512 * 1024  # with the tag of the cipher and the head below 1 MiB, NATS's own `max_payload`

    def __init__(self, connection: Client, space: StorageSpace) -> None:
        self._connection = connection
        self._space = space

    async def start(self, replicas: int) -> None:
        """Make the stream if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        config = {
            "name": STREAM,
            "description": "The content of files, encrypted, in chunks",
            "subjects": [SUBJECTS + ">"],
            "storage": "file",
            "num_replicas": replicas,
            "max_msgs_per_subject": 1,
            "max_age": MAX_AGE_DAYS * 86400 * 1_000_000_000,
            "discard": "new",
            "allow_direct": True,
            "allow_msg_ttl": True,
        }
        await streams.ensure_raw(self._connection, config)

    async def refuse_if_short(self, size: int) -> None:
        """Refuse content for which there is no room; see `FileStore`."""
        try:
            self._space.refuse_if_short(size)
        except StorageFull as error:
            raise storage_full() from error

    async def put(self, file: str, chunk: str, content: bytes) -> None:
        """Store a chunk; see `FileStore`."""
        try:
            self._space.take(len(content))
        except StorageFull as error:
            raise storage_full() from error
        await self._publish(_subject(file, chunk), content, {})

    async def get(self, file: str, chunk: str) -> bytes | None:
        """Read a chunk; see `FileStore`."""
        jetstream, subject = self._connection.jetstream(), _subject(file, chunk)
        try:
            try:
                message = await jetstream.get_last_msg(STREAM, subject, direct=True)
            except NotFoundError:  # by a server that may not have heard of it yet: the leader knows
                message = await jetstream.get_last_msg(STREAM, subject)
        except NotFoundError:
            return None
        except (NatsError, OSError) as error:
            raise storage_unavailable(error) from error
        return message.data or None

    async def delete(self, file: str, *, keep: Collection[str] = ()) -> None:
        """Delete chunks; see `FileStore`."""
        kept = {_subject(file, chunk) for chunk in keep}
        try:
            subjects = await streams.subjects(self._connection, STREAM, f"{SUBJECTS}{file}.>")
        except (NatsError, OSError) as error:
            raise storage_unavailable(error) from error
        for subject in subjects:
            if subject not in kept:
                await self._publish(subject, b"", _DELETED)

    async def delete_chunks(self, file: str, chunks: Collection[str]) -> None:
        """Delete chunks by their names; see `FileStore`."""
        for chunk in chunks:
            await self._publish(_subject(file, chunk), b"", _DELETED)

    async def _publish(self, subject: str, content: bytes, headers: dict[str, str]) -> None:
        try:
            await self._connection.jetstream().publish(subject, content, PUBLISH_SECONDS, headers=headers or None)
        except APIError as error:
            raise storage_full() if error.err_code in streams.FULL_CODES else storage_unavailable(error) from error
        except (NatsError, OSError) as error:
            raise storage_unavailable(error) from error


def _subject(file: str, chunk: str) -> str:
    return f"{SUBJECTS}{file}.{chunk}"
