"""A small bucket of JetStream that every gateway holds in memory: settings that deliveries read without asking.

It is laid out as a key-value bucket, so tools that know buckets read it. Each write names the revision that it was made from, and the
server republishes what was stored with its sequence; sequences are consecutive, so a gap shows at once. Every second, and after each
lost connection, the newest sequence is compared too: what was missed is read from the stream. A value whose key is not there yet is
read again then.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from lgsp_gateway.delivery.storage.batch import EXPECTED_LAST, TTL
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnknownKeyError, UnreadablePayloadError
from lgsp_gateway.delivery.storage.space import storage_full
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable
from lgsp_runtime.nats.stream_reading import read_stream

COMPARE_SECONDS = 1.0
WRITE_SECONDS = 5.0
TOMBSTONE_HOURS = 30 * 24
"""How long a deleted key is remembered; no gateway is without its connection for so long and goes on."""
_CHANGES = "changes."


class BucketEntry(NamedTuple):
    """The newest value of a key.

    Args:
        value: None where it was deleted.
        note: what whoever deleted it left in its place; empty else.
    """

    key: str
    revision: int
    value: bytes | None
    note: bytes = b""


class ReplicatedBucket:
    """One bucket, with a copy in the memory of this gateway.

    Args:
        name: of the bucket, such as `LGSP_SUBSCRIPTIONS`.
        on_change: is given each value once, in order: those that are there when it starts, and each change after.
        cipher: encrypts the values; None where they hold nothing of anybody.
    """

    def __init__(
        self,
        name: str,
        bus: NatsRequestReply,
        on_change: Callable[[BucketEntry], None],
        cipher: PayloadCipher | None = None,
    ) -> None:
        self._cipher = cipher
        self._stream, self._subjects = f"KV_{name}", f"$KV.{name}."
        self._bus = bus
        self._on_change = on_change
        self._connection: Client | None = None
        self._reading = asyncio.Lock()
        self._applied = asyncio.Condition()
        self._waiting_for_key: dict[str, int] = {}
        self.revision = 0
        """The newest revision that is in memory."""

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Make the bucket if it is not there, read it, and follow it from now on.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        self._connection = connection
        await streams.ensure_raw(connection, self._config(replicas))
        take = background.guard(f"changes of {self._stream}", self._on_republished)
        await connection.subscribe(f"{_CHANGES}{self._subjects}>", cb=take)
        await connection.flush()
        await self._catch_up()
        background.run_every(self._stream, COMPARE_SECONDS, self._compare_revision, within=None, at_once=False)

    async def read(self, key: str) -> BucketEntry:
        """Read the newest value of a key from the server, whatever is in memory; revision 0 where there never was one.

        Raises:
            Refusal: `bus-unavailable`, also where the value was not encrypted by this bus.
        """
        stored = await self._last(key)
        if stored is None:
            return BucketEntry(key, 0, None)
        try:
            return self._entry(key, int(stored.seq or 0), stored.data or b"", stored.headers or {})
        except UnreadablePayloadError as error:
            raise bus_unavailable() from error

    async def put(self, key: str, value: bytes, expected: int) -> int:
        """Store a value; return when this gateway has it in memory too.

        Args:
            expected: the revision that it was made from; 0 where there was none.

        Returns:
            Its revision.

        Raises:
            RevisionConflict: somebody else wrote first.
            Refusal: `bus-unavailable`.
        """
        return await self._write(key, value, expected, {})

    async def delete(self, key: str, expected: int, note: bytes = b"") -> None:
        """Delete a key that has a value; see `put`.

        Args:
            note: stands in its place for `TOMBSTONE_HOURS`.
        """
        await self._write(key, note, expected, {"KV-Operation": "DEL", TTL: f"{TOMBSTONE_HOURS}h"})

    async def _write(self, key: str, value: bytes, expected: int, headers: Mapping[str, str]) -> int:
        conditional = {**headers, EXPECTED_LAST: str(expected)}
        subject = self._subjects + key
        stored = self._cipher.encrypt(subject, value) if self._cipher else value
        acknowledged = await self._bus.publish(subject, stored, conditional, WRITE_SECONDS)
        revision = int(acknowledged.get("seq", 0))
        if revision:
            await self._wait_for(revision)
            return revision
        if streams.is_wrong_revision(acknowledged.get("error", {}).get("err_code")):
            raise _changed_meanwhile()
        if acknowledged.get("error", {}).get("err_code") in streams.FULL_CODES:
            raise storage_full()
        raise bus_unavailable()

    async def _wait_for(self, revision: int) -> None:
        """Wait until a revision that is stored is in memory: it is republished, or the comparison of each second reads it."""
        async with self._applied:
            await self._applied.wait_for(lambda: self.revision >= revision)

    async def _on_republished(self, message: Msg) -> None:
        headers = message.headers or {}
        revision = int(headers.get("Nats-Sequence", 0))
        if revision != self.revision + 1:
            await self._catch_up()
            return
        self._apply(message.subject.removeprefix(_CHANGES), revision, message.data, headers)
        await self._notify_waiters()

    async def _catch_up(self) -> None:
        async with self._reading:
            last = await self._last_revision()
            if last > self.revision:
                async for message in read_stream(self._connected(), self._stream, self._subjects + ">", self.revision):
                    sequence = message.metadata.sequence.stream
                    if sequence > self.revision:
                        self._apply(message.subject, sequence, message.data, message.headers or {})
                self.revision = max(self.revision, last)
        await self._notify_waiters()

    def _apply(self, subject: str, revision: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.revision = revision
        key = subject.removeprefix(self._subjects)
        try:
            entry = self._entry(key, revision, data, headers)
        except UnknownKeyError as error:  # another gateway has begun to use a key that has not come here yet
            self._waiting_for_key[key] = revision
            structlog.get_logger().error(
                "value of a bucket waits for its key", bucket=self._stream, key=key, error=str(error)
            )
            return
        except UnreadablePayloadError as error:
            structlog.get_logger().error(
                "value of a bucket not read", bucket=self._stream, key=key, frames=frames(error)
            )
            return
        self._waiting_for_key.pop(key, None)
        self._on_change(entry)

    async def _read_waiting(self) -> None:
        """Read the values again whose key was missing.

        Raises:
            Refusal: `bus-unavailable`.
        """
        for key in tuple(self._waiting_for_key):
            stored = await self._last(key)
            revision = int(stored.seq or 0) if stored else 0
            if stored is None or revision != self._waiting_for_key.get(key):  # another value is read, or is to be
                continue
            try:
                entry = self._entry(key, revision, stored.data or b"", stored.headers or {})
            except UnreadablePayloadError:
                continue
            self._waiting_for_key.pop(key, None)
            self._on_change(entry)

    def _entry(self, key: str, revision: int, stored: bytes, headers: Mapping[str, str]) -> BucketEntry:
        """Return what stands under a key.

        Raises:
            UnreadablePayloadError: it was not encrypted by this bus.
        """
        operation = headers.get("KV-Operation")
        if operation == "PURGE":
            return BucketEntry(key, revision, None)
        content = self._cipher.decrypt(self._subjects + key, stored) if self._cipher else stored
        return BucketEntry(key, revision, None, content) if operation == "DEL" else BucketEntry(key, revision, content)

    async def _compare_revision(self) -> None:
        try:
            await self._catch_up()
            await self._read_waiting()
        except Refusal as refusal:
            structlog.get_logger().warning("bucket not in step", bucket=self._stream, code=refusal.code)

    async def _notify_waiters(self) -> None:
        async with self._applied:
            self._applied.notify_all()

    async def _last(self, key: str) -> RawStreamMsg | None:
        """Return what is stored under a key; None where nothing is.

        Raises:
            Refusal: `bus-unavailable`.
        """
        try:
            return await self._connected().jetstream().get_last_msg(self._stream, self._subjects + key)
        except NotFoundError:
            return None
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    async def _last_revision(self) -> int:
        connection = self._connected()
        try:
            return int((await connection.jetstream().stream_info(self._stream)).state.last_seq)
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    def _connected(self) -> Client:
        if self._connection is None or not self._connection.is_connected:
            raise bus_unavailable()
        return self._connection

    def _config(self, replicas: int) -> dict[str, object]:
        return {
            "name": self._stream,
            "subjects": [self._subjects + ">"],
            "storage": "file",
            "num_replicas": replicas,
            "max_msgs_per_subject": 1,
            "allow_direct": True,
            "allow_msg_ttl": True,
            "republish": {"src": self._subjects + ">", "dest": f"{_CHANGES}{self._subjects}>"},
        }


def _changed_meanwhile() -> Refusal:
    return RevisionConflict(
        vi="Mục này vừa được người khác sửa; hãy đọc lại, sửa lại rồi gửi với If-Match của bản mới nhất.",
        en="Somebody else has just changed this; read it again, make the change again and send the newest If-Match.",
    )
