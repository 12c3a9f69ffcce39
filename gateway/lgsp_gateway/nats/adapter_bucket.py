"""A bucket of JetStream in which gateways keep something for adapters, such as counts and states: one message for each key.

A key begins with the system that it belongs to. A message is written only over the one that was read (compare and set), so that two gateways
never decide the same thing twice; on disk, so that a restart forgets nothing. Neither all systems nor one of them fill the disk.
"""

from nats.aio.client import Client
from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import NotFoundError

from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

WRITE_SECONDS = 2.0
"""How long one write may take."""


class AdapterBucket:
    """One bucket.

    Args:
        name: of the bucket, such as `LGSP_LIMITS`.
        bus: writes into it.
        max_names: keys of one system: one that makes up names leaves room for those of others.
    """

    def __init__(self, name: str, bus: NatsRequestReply, max_names: int) -> None:
        self._name = name
        self._stream = f"KV_{name}"
        self._bus = bus
        self._max_names = max_names

    async def start(
        self, connection: Client, replicas: int, description: str, max_keys: int, max_age: float | None = None
    ) -> None:
        """Make the bucket if it is not there.

        Args:
            connection: reads it.
            max_keys: of all systems.
            max_age: seconds after which a key is forgotten that nobody writes; None for never.

        Raises:
            Refusal: `cannot-start`.
        """
        self._connection = connection
        config = StreamConfig(
            name=self._stream,
            description=description,
            subjects=[self.subject("") + ">"],
            num_replicas=replicas,
            max_msgs_per_subject=1,
            max_msgs=max_keys,
            max_age=max_age,
            discard=DiscardPolicy.NEW,
            allow_direct=True,
        )
        await streams.ensure(connection, config)

    def subject(self, key: str) -> str:
        """Return the subject of a key."""
        return f"$KV.{self._name}.{key}"

    async def read(self, key: str) -> tuple[bytes, int]:
        """Return the value of a key and its revision; the revision 0 where there is none.

        Raises:
            nats.errors.Error, OSError, TimeoutError: it could not be read.
        """
        try:
            found = await self._connection.jetstream().get_last_msg(self._stream, self.subject(key))
        except NotFoundError:
            return b"", 0
        return found.data or b"", int(found.seq or 0)

    async def refuse_another_key(self, key: str) -> None:
        """Check that the system of a key that is not there may have one more.

        Raises:
            Refusal: `bus-unavailable`.
            nats.errors.Error, OSError, TimeoutError: they could not be counted.
        """
        of_system = self.subject(key.partition(".")[0]) + ".>"
        if len(await streams.subjects(self._connection, self._stream, of_system)) >= self._max_names:
            raise bus_unavailable()

    async def write(self, key: str, value: bytes, revision: int) -> int | None:
        """Write a value over the one that was read; return its revision, or None where somebody else had written.

        Raises:
            Refusal: `bus-unavailable`; it may have been written or not.
        """
        expected = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        acknowledged = await self._bus.publish(self.subject(key), value, expected, WRITE_SECONDS)
        error = acknowledged.get("error")
        if not acknowledged or (error and not streams.is_wrong_revision(error.get("err_code"))):
            raise bus_unavailable()
        return None if error else int(acknowledged["seq"])
