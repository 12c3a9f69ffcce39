"""Restores streams into NATS servers that have none of them: messages with their numbers and times, and consumers where they were.

A restored stream is marked with the backup that it is from. So a restore that was interrupted goes on where it was when it is run again, and
whatever else is there is living data, which nothing is restored over.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.operate.backup.chunks import ChunkReader
from lgsp_gateway.operate.backup.manifest import Manifest, StoredStream
from lgsp_gateway.operate.backup.stored_logs import messages
from lgsp_gateway.operate.backup.stream_archive import END, MAGIC, STATE, StreamEntry, compress
from lgsp_gateway.operate.backup.stream_backup import ask_api, describe, list_names
from lgsp_gateway.operate.cluster_readiness import request_when_heard
from lgsp_problems import CannotStart, Refusal

MARK = "lgsp-restored-from"
"""In the metadata of a stream: the backup that it was restored from."""
PIECE_BYTES = 128 * 1024
IN_FLIGHT = 16
"""Pieces that are sent before the first is acknowledged."""
PIECE_SECONDS = 15.0
LAST_SECONDS = 60.0
"""How long the server may take to make the stream once it has all of it."""
_BUFFERED_BYTES = 1 << 20


async def already_restored(connection: Client, manifest: Manifest) -> set[str]:
    """Return the streams that an interrupted restore of the same backup has restored.

    Raises:
        Refusal: `living-data`, where any other stream of a bus is there; `bus-unavailable`.
    """
    restored = set[str]()
    for name in await list_names(connection):
        if not name.startswith(("LGSP_", "KV_LGSP_")):
            continue
        config = (await describe(connection, name)).config
        if (config.get("metadata") or {}).get(MARK) != manifest.made:
            raise living_data(f"luồng {name} của NATS", f"the stream {name} of NATS")
        restored.add(name)
    return restored


def living_data(vi: str, en: str) -> Refusal:
    """Return the refusal of a restore over data that is there.

    Args:
        vi, en: what is there.
    """
    return Refusal(
        "living-data",
        vi=f"Chưa khôi phục gì, vì ở đây đã có dữ liệu của một trục: {vi}; hãy khôi phục vào máy trống.",
        en=f"Nothing was restored, because the data of a bus is here: {en}; restore onto an empty machine.",
    )


async def restore_stream(
    connection: Client, stream: StoredStream, reader: ChunkReader, replicas: int, backup: str
) -> int:
    """Restore a stream.

    Args:
        replicas: that it has from now on.
        backup: when the backup was made; the stream is marked with it.

    Returns:
        How many messages it has. Those whose time is over are not among them.

    Raises:
        Refusal: `cannot-start`, when the server refuses; `backup-damaged`, `backup-unavailable`, `bus-unavailable`.
    """
    config = {key: value for key, value in stream.config.items() if key not in {"placement", "metadata"}}
    config |= {"num_replicas": replicas, "metadata": {MARK: backup}}
    state = {key: value for key, value in stream.state.items() if key != "created"}
    begun = await ask_api(connection, f"STREAM.RESTORE.{stream.name}", {"config": config, "state": state})
    if "deliver_subject" not in begun:
        raise _refused(stream.name, begun.get("error"))
    return await _send(connection, stream, begun["deliver_subject"], _pieces(stream, state, reader))


async def _send(connection: Client, stream: StoredStream, subject: str, pieces: Iterator[bytes]) -> int:
    inbox = connection.new_inbox()
    acknowledgements = await connection.subscribe(inbox)
    in_flight = 0
    try:
        _check(stream, await request_when_heard(connection, subject, next(pieces), PIECE_SECONDS))
        for piece in pieces:
            await connection.publish(subject, piece, reply=inbox)
            in_flight += 1
            if in_flight == IN_FLIGHT:
                in_flight -= 1
                _check(stream, await acknowledgements.next_msg(PIECE_SECONDS))
        for _ in range(in_flight):
            _check(stream, await acknowledgements.next_msg(PIECE_SECONDS))
        await connection.publish(subject, b"", reply=inbox)
        answer = orjson.loads((await acknowledgements.next_msg(LAST_SECONDS)).data)
    except (NatsError, OSError, ValueError) as error:
        raise _refused(stream.name, {"description": str(error) or type(error).__name__}) from error
    finally:
        await acknowledgements.unsubscribe()
    if "state" not in answer:
        raise _refused(stream.name, answer.get("error"))
    if answer["state"]["last_seq"] != stream.state["last_seq"]:
        raise _refused(stream.name, {"description": f"it ends at {answer['state']['last_seq']}"})
    return int(answer["state"]["messages"])


def _check(stream: StoredStream, acknowledgement: Msg) -> None:
    """Raise where the server ends the restore instead of acknowledging a piece, or does not listen any more."""
    if acknowledgement.data:
        raise _refused(stream.name, orjson.loads(acknowledgement.data).get("error"))
    if acknowledgement.headers:
        raise _refused(stream.name, {"description": "no responders"})


def _pieces(stream: StoredStream, state: dict[str, Any], reader: ChunkReader) -> Iterator[bytes]:
    """Return the archive of a stream, compressed, in the pieces in which it is sent."""
    buffer = bytearray()
    for data in _archive(stream, state, reader):
        buffer += compress(data)
        while len(buffer) >= PIECE_BYTES:
            yield bytes(buffer[:PIECE_BYTES])
            del buffer[:PIECE_BYTES]
    if buffer:
        yield bytes(buffer)


def _archive(stream: StoredStream, state: dict[str, Any], reader: ChunkReader) -> Iterator[bytes]:
    yield MAGIC + StreamEntry(STATE, 0, 0, b"", orjson.dumps(state)).data() + b"".join(reader.read_all(stream.head))
    buffer = bytearray()
    for message in messages(stream, reader):
        buffer += message.data()
        if len(buffer) >= _BUFFERED_BYTES:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer) + END.data()


def _refused(name: str, error: dict[str, Any] | None) -> Refusal:
    reason = (error or {}).get("description", "no answer")
    return CannotStart(
        vi=f"NATS không nhận luồng {name} ({reason}); cần nats-server 2.15 trở lên, đủ chỗ và một máy chủ cho mỗi bản sao (--replicas). Hãy sửa rồi chạy lại: phần đã khôi phục được giữ.",
        en=f"NATS does not take the stream {name} ({reason}); it needs nats-server 2.15 or later, room, and a server for each replica (--replicas). Mend that and run this again: what is restored stays.",
    )
