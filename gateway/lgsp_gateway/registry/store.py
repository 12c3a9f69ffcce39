"""The documents on disk: a JetStream stream laid out as a key-value bucket that forgets nothing.

A bucket of the NATS client keeps at most 64 versions of a key; a registry must show who granted what years later. So the
stream is made here, with the names and subjects of the bucket `LGSP_REGISTRY`, and without that limit: tools that know
buckets read it all the same.

A change names the revision it was made from (`Nats-Expected-Last-Subject-Sequence`), and the server itself refuses the
second of two writers. What was stored is republished on `registry.>`, where every gateway listens.
"""

import contextlib
import sys
import time
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import RePublish, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.direct_get import read_batch
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable
from lgsp_runtime.nats.stream_reading import read_stream

STREAM = "KV_LGSP_REGISTRY"
SUBJECTS = "$KV.LGSP_REGISTRY."
CHANGES = "registry."
WRITE_SECONDS = 5.0
VERSIONS = 256
"""Versions of a document that one request reads."""


class DocumentStore:
    """Reads and writes versions of documents."""

    def __init__(self, bus: NatsRequestReply) -> None:
        self._bus = bus
        self._connection: Client | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the stream if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        self._connection = connection
        config = StreamConfig(
            name=STREAM,
            description="The registry: agencies, systems, services, grants, every version of each",
            subjects=[SUBJECTS + ">"],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            num_replicas=replicas,
            deny_delete=True,
            deny_purge=True,
            allow_direct=True,
            republish=RePublish(src=SUBJECTS + ">", dest=CHANGES + ">"),
        )
        await streams.ensure(connection, config)

    async def write(
        self,
        kind: str,
        name: DocumentName,
        spec: DocumentSpec | None,
        expected: int,
        by: str,
        reason: str,
        status: DocumentSpec | None = None,
    ) -> DocumentVersion:
        """Keep a new version of a document.

        Args:
            spec: None deletes the document; its history stays.
            expected: the revision that the change was made from, 0 where there was no document.

        Raises:
            Refusal: `revision-conflict`, when somebody else wrote first; `bus-unavailable`.
        """
        now = time.time_ns() // 1_000_000
        return await self.keep(DocumentVersion.of(kind, name, spec, 0, now, by, reason, status), expected)

    async def keep(self, draft: DocumentVersion, expected: int, *, at: int | None = None) -> DocumentVersion:
        """Keep a new version of a document, and return it with its revision.

        Args:
            expected: the revision that the change was made from, 0 where there was no document.
            at: the newest revision of all that the change was decided on, where it rests on other documents too.

        Raises:
            Refusal: `revision-conflict`, when somebody else wrote first; `bus-unavailable`.
        """
        kind, name = draft.kind, draft.name
        headers = {"Nats-Expected-Last-Subject-Sequence": str(expected)}
        if at is not None:
            headers["Nats-Expected-Last-Sequence"] = str(at)
        acknowledged = await self._bus.publish(_subject(kind, name), draft.data, headers, WRITE_SECONDS)
        if acknowledged.get("seq"):
            return DocumentVersion(kind, name, int(acknowledged["seq"]), draft.data)
        if streams.is_wrong_revision(acknowledged.get("error", {}).get("err_code")):
            raise revision_conflict(kind, name)
        raise bus_unavailable()

    async def latest(self, kind: str, name: DocumentName) -> DocumentVersion | None:
        """Return the newest version there is on disk; also of a deleted document."""
        try:
            message = await self._connected().jetstream().get_last_msg(STREAM, _subject(kind, name))
        except NotFoundError:
            return None
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error
        return DocumentVersion(kind, name, int(message.seq or 0), message.data or b"")

    async def history(self, kind: str, name: DocumentName) -> list[DocumentVersion]:
        """Return every version of a document, newest first.

        They come in batches from any server that has the stream, and what that one has not heard of yet from the leader, which has
        them all.

        Raises:
            Refusal: `bus-unavailable`.
        """
        connection, subject, versions = self._connected(), _subject(kind, name), list[DocumentVersion]()
        try:
            more = True
            while more:
                first = versions[-1].revision + 1 if versions else 1
                batch, more = await read_batch(connection, STREAM, subject, first, VERSIONS, _version_of_reply)
                versions += batch
            while True:
                after = versions[-1].revision if versions else 0
                message = await connection.jetstream().get_msg(STREAM, after + 1, subject, next=True)
                versions.append(DocumentVersion(kind, name, int(message.seq or 0), message.data or b""))
        except NotFoundError:  # there is none after the newest
            return versions[::-1]
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def last_revision(self) -> int:
        """Return the newest revision of all."""
        try:
            return int((await self._connected().jetstream().stream_info(STREAM)).state.last_seq)
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def read(self, after: int, *, only_latest: bool = False) -> AsyncIterator[DocumentVersion]:
        """Return versions of all documents in the order in which they were written, up to the newest, without a gap.

        Args:
            after: only those with a higher revision.
            only_latest: of each document only the newest version.

        Raises:
            Refusal: `bus-unavailable`, when one did not come.
        """
        messages = read_stream(self._connected(), STREAM, SUBJECTS + ">", after, only_latest=only_latest)
        async with contextlib.aclosing(messages):
            async for message in messages:
                yield parse_message(message.subject, message.metadata.sequence.stream, message.data)

    def _connected(self) -> Client:
        if self._connection is None or not self._connection.is_connected:
            raise bus_unavailable()
        return self._connection


def _subject(kind: str, name: DocumentName) -> str:
    return f"{SUBJECTS}{kind}.{name}"


def _version_of_reply(reply: Msg) -> DocumentVersion:
    headers = reply.headers or {}
    if "Nats-Sequence" not in headers:
        raise bus_unavailable()
    return parse_message(headers["Nats-Subject"], int(headers["Nats-Sequence"]), reply.data)


def parse_message(subject: str, revision: int, data: bytes) -> DocumentVersion:
    """Return the version in a message, on its own subject or republished."""
    kind, _, name = subject.removeprefix(SUBJECTS).removeprefix(CHANGES + SUBJECTS).removeprefix(CHANGES).partition(".")
    return DocumentVersion(sys.intern(kind), DocumentName(name), revision, data)  # it was held before it was written


def revision_conflict(kind: str, name: str) -> Refusal:
    """Return the refusal of a change that was made from a version which is not the newest any more."""
    return RevisionConflict(
        vi=f"{kind} {name} đã được người khác sửa; hãy đọc bản mới nhất, sửa lại rồi gửi với If-Match của bản đó.",
        en=f"Somebody else changed {kind} {name}; read the newest version, make the change again and send its If-Match.",
    )
