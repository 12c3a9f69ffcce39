"""Key-value buckets of NATS that keep one version of each key: what is read from them and written into them is JSON."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import bus_unavailable

_READ_AT_ONCE = 100


class Stored(NamedTuple):
    """A document as it is stored, and the revision of its key."""

    document: dict[str, Any]
    revision: int


def bucket_config(name: str, description: str, replicas: int, seconds: float = 0) -> StreamConfig:
    """Return a stream laid out as a bucket; one of the client's own making lets no single message be deleted."""
    return StreamConfig(
        name=f"KV_{name}",
        description=description,
        subjects=[f"$KV.{name}.>"],
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_msgs_per_subject=1,
        max_age=seconds,
        discard=DiscardPolicy.NEW,
        allow_rollup_hdrs=True,
        allow_direct=True,
    )


async def read(bucket: KeyValue | None, key: str) -> Stored | None:
    """Read the document under a key; None where there is none.

    Raises:
        Refusal: `bus-unavailable`.
    """
    entry = await _entry(bucket, key)
    document = orjson.loads(entry.value or b"null") if entry else None
    return Stored(document, entry.revision or 0) if entry and document is not None else None


async def write(bucket: KeyValue | None, key: str, document: Mapping[str, Any]) -> None:
    """Write a document under a key.

    Raises:
        Refusal: `bus-unavailable`.
    """
    try:
        await opened(bucket).put(key, orjson.dumps(document))
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error


async def replace(bucket: KeyValue | None, key: str, document: Mapping[str, Any], revision: int) -> bool:
    """Write a document under a key where the key still has a revision (0: where there is none yet); return whether it had.

    Raises:
        Refusal: `bus-unavailable`.
    """
    try:
        if revision:
            await opened(bucket).update(key, orjson.dumps(document), last=revision)
        else:
            await opened(bucket).create(key, orjson.dumps(document))
    except KeyWrongLastSequenceError:
        return False
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    return True


async def delete(bucket: KeyValue | None, key: str) -> None:
    """Delete what is under a key, for everybody at once; its bytes may stay on disk.

    Raises:
        Refusal: `bus-unavailable`.
    """
    try:
        await opened(bucket).delete(key)
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error


async def keys_of(connection: Client | None, name: str, pattern: str) -> list[str]:
    """Return the keys of a bucket that match a pattern of NATS subjects, sorted; with those of `delete`, as long as its markers stay.

    The server answers from its memory: a watcher of the client would leave it a consumer to keep for a few seconds each time.

    Raises:
        Refusal: `bus-unavailable`.
    """
    if connection is None:
        raise bus_unavailable()
    prefix = f"$KV.{name}."
    try:
        found = await streams.subjects(connection, f"KV_{name}", prefix + pattern)
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    return [subject.removeprefix(prefix) for subject in found]


async def values_of(connection: Client | None, bucket: KeyValue | None, name: str, pattern: str) -> dict[str, bytes]:
    """Return what is stored under the keys of a bucket that match a pattern of NATS subjects, by key.

    It is read directly, as many at a time as `_READ_AT_ONCE`: a watcher of the client would leave the server a consumer each time.

    Raises:
        Refusal: `bus-unavailable`.
    """
    keys = await keys_of(connection, name, pattern)
    found: list[KeyValue.Entry | None] = []
    for start in range(0, len(keys), _READ_AT_ONCE):
        found += await asyncio.gather(*(_entry(bucket, key) for key in keys[start : start + _READ_AT_ONCE]))
    return {key: entry.value or b"" for key, entry in zip(keys, found, strict=True) if entry}


async def stored_at(connection: Client | None, name: str, key: str) -> float:
    """Return when what is under a key of a bucket was stored, in seconds since 1970; now, where there is nothing.

    Raises:
        Refusal: `bus-unavailable`.
    """
    if connection is None:
        raise bus_unavailable()
    try:
        message = await connection.jetstream().get_msg(f"KV_{name}", subject=f"$KV.{name}.{key}", direct=True)
    except NotFoundError:
        return time.time()
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    return message.time.timestamp() if message.time else time.time()


async def _entry(bucket: KeyValue | None, key: str) -> KeyValue.Entry | None:
    """Read what is under a key; None where there is nothing, or no more."""
    try:
        return await opened(bucket).get(key)
    except KeyNotFoundError:
        return None
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error


def opened(bucket: KeyValue | None) -> KeyValue:
    """Return a bucket that has been opened.

    Raises:
        Refusal: `bus-unavailable`, where it has not.
    """
    if bucket is None:
        raise bus_unavailable()
    return bucket
