"""Reads the streams of a running bus for a backup: those that only grow from where the last backup ended, all others as a whole.

A stream that only grows (evidence, checkpoints, cosignatures, registry) is read by a consumer, so an hourly backup reads an hour of it. What
messages of other streams became, only the server knows: they are read by its own backup (STREAM.SNAPSHOT), with the places of
their consumers, and what did not change since is recognised by its content.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, Any

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from lgsp_gateway.operate.backup.chunks import ChunkWriter
from lgsp_gateway.operate.backup.cutting import MIN_CHUNK, Cutter
from lgsp_gateway.operate.backup.manifest import Chunk, StoredStream
from lgsp_gateway.operate.backup.s2_decoder import BrokenS2Error, S2Decoder
from lgsp_gateway.operate.backup.stream_archive import (
    CONSUMERS,
    STATE,
    BrokenStreamArchiveError,
    EntryParser,
    StreamEntry,
)
from lgsp_problems import BusUnavailable, Refusal
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.protocol import encode_headers
from lgsp_runtime.nats.stream_reading import read_stream

ONLY_GROWING = ("LGSP_EVIDENCE", "LGSP_CHECKPOINTS", "LGSP_SEALS", "KV_LGSP_REGISTRY")
"""Streams that deny the deletion of messages. The archiver alone takes what is old away from the first two."""
ARCHIVED = ONLY_GROWING[:2]
API_SECONDS = 10.0
CHUNK_SECONDS = 15.0
"""How long the server may take for the next piece of its backup; it gives up itself after 5 s without an acknowledgement."""
MAX_FETCH = 32
"""Messages of a growing stream on their way at once: a batch of evidence has up to 1 MiB."""
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StreamDescription:
    """A stream as the server describes it.

    Args:
        created: when it was made; another time is another stream, as after a restore.
    """

    name: str
    config: dict[str, Any]
    state: dict[str, Any]
    created: str


async def describe(connection: Client, name: str) -> StreamDescription:
    """Ask for the description of a stream.

    Raises:
        Refusal: `bus-unavailable`.
    """
    found = await ask_api(connection, f"STREAM.INFO.{name}")
    if "config" not in found:
        raise _unreadable(name, found.get("error"))
    return StreamDescription(name, found["config"], found["state"], found["created"])


async def list_names(connection: Client) -> list[str]:
    """List the streams of the bus.

    Raises:
        Refusal: `bus-unavailable`.
    """
    names = list[str]()
    while True:
        found = await ask_api(connection, "STREAM.NAMES", {"offset": len(names)})
        page = found.get("streams") or []
        names += page
        if not page or len(names) >= found["total"]:
            return sorted(names)


async def store_stream(
    connection: Client, name: str, writer: ChunkWriter, previous: StoredStream | None
) -> StoredStream:
    """Store one stream.

    Args:
        previous: the same stream in the last backup; None where there is none.

    Raises:
        Refusal: `bus-unavailable`, `backup-unavailable`.
    """
    if name in ONLY_GROWING:
        return await _store_growth(connection, name, writer, previous)
    return await _store_snapshot(connection, name, writer)


async def _store_growth(
    connection: Client, name: str, writer: ChunkWriter, previous: StoredStream | None
) -> StoredStream:
    description = await describe(connection, name)
    chunks = _chunks_to_keep(description, previous)
    last = int(description.state["last_seq"])
    after = chunks[-1].last if chunks else max(0, int(description.state["first_seq"]) - 1)
    cutter = Cutter(writer)
    if after < last:
        subjects = description.config["subjects"][0]
        async for message in read_stream(connection, name, subjects, after, max_fetch=MAX_FETCH):
            metadata = message.metadata
            if metadata.sequence.stream > last:
                break
            headers = encode_headers(message.headers) if message.headers else b""
            nanoseconds = _nanoseconds(message.reply)
            cutter.add(StreamEntry(message.subject, nanoseconds, metadata.sequence.stream, headers, message.data))
    chunks += cutter.finish()
    live_from = await _live_from(connection, name, description) if name in ARCHIVED else {}
    return StoredStream(name, description.config, _state(description), [], chunks, live_from)


def _chunks_to_keep(description: StreamDescription, previous: StoredStream | None) -> list[Chunk]:
    """Return the chunks of the last backup that are part of this one. Its last one is read again where it is small, or there would be one
    more for each backup for ever."""
    if previous is None or previous.state.get("created") != description.created:
        return []
    first, last = description.state["first_seq"], description.state["last_seq"]
    kept = [chunk for chunk in previous.chunks if chunk.last >= first]
    if kept and kept[-1].last > last:
        return []
    return kept[:-1] if kept and kept[-1].size < MIN_CHUNK else kept


async def _live_from(connection: Client, name: str, description: StreamDescription) -> dict[str, int]:
    first = dict[str, int]()
    for subject in await streams.subjects(connection, name, description.config["subjects"][0]):
        try:
            message = await connection.jetstream().get_msg(name, 1, subject, next=True)
        except NotFoundError:  # archived since
            continue
        first[subject] = int(message.seq or 0)
    return first


async def _store_snapshot(connection: Client, name: str, writer: ChunkWriter) -> StoredStream:
    description = await describe(connection, name)
    consumers, cutter = list[bytes](), Cutter(writer)
    with tempfile.TemporaryFile() as spooled:
        await _spool(connection, name, spooled)
        spooled.seek(0)
        state: dict[str, Any] | None = None
        ended = False
        async for entry in _parse(name, spooled):
            if entry.name == STATE and not entry.sequence:
                state = orjson.loads(entry.body)
            elif entry.name.startswith(CONSUMERS) and not entry.sequence:
                consumers.append(entry.data())
            elif entry.is_end:
                ended = True
            else:
                cutter.add(entry)
    if state is None or not ended:
        raise _unreadable(name, None)
    head = [writer.write(b"".join(consumers))] if consumers else []
    state |= {"created": description.created, "consumer_count": len(consumers)}
    return StoredStream(name, description.config, state, head, cutter.finish())


async def _spool(connection: Client, name: str, file: IO[bytes]) -> None:
    """Have the server send its backup of a stream, into a temporary file: it ends one that is not acknowledged for 5 s, as while a
    place takes long to store a chunk."""
    inbox = connection.new_inbox()
    pieces = await connection.subscribe(inbox)
    try:
        begun = await ask_api(connection, f"STREAM.SNAPSHOT.{name}", {"deliver_subject": inbox})
        if "config" not in begun:
            raise _unreadable(name, begun.get("error"))
        while True:
            piece = await pieces.next_msg(timeout=CHUNK_SECONDS)
            if not piece.data:
                if piece.headers and piece.headers.get("Status") != "204":
                    raise _unreadable(name, {"description": piece.headers.get("Description")})
                return
            await asyncio.to_thread(file.write, piece.data)
            if piece.reply:
                await connection.publish(piece.reply)
    except (NatsError, TimeoutError, OSError) as error:
        raise _unreadable(name, {"description": str(error)}) from error
    finally:
        await pieces.unsubscribe()


async def _parse(name: str, file: IO[bytes]) -> AsyncIterator[StreamEntry]:
    decoder, parser = S2Decoder(), EntryParser(with_magic=True)
    try:
        while data := file.read(_READ_BYTES):
            for block in decoder.feed(data):
                for entry in parser.feed(block):
                    yield entry
            await asyncio.sleep(0)  # or nats-py answers no ping meanwhile
    except (BrokenS2Error, BrokenStreamArchiveError) as error:
        raise _unreadable(name, None) from error


async def ask_api(connection: Client, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask JetStream's API.

    Raises:
        Refusal: `bus-unavailable`.
    """
    try:
        reply = await connection.request(f"$JS.API.{subject}", orjson.dumps(body) if body else b"", timeout=API_SECONDS)
        answer: dict[str, Any] = orjson.loads(reply.data)
    except (NatsError, OSError, ValueError) as error:
        raise _unreadable(subject, {"description": str(error)}) from error
    return answer


def _state(description: StreamDescription) -> dict[str, Any]:
    """Return what an archive says of a stream, and when the stream was made."""
    kept = ("messages", "bytes", "first_seq", "first_ts", "last_seq", "last_ts")
    return {key: description.state[key] for key in kept} | {"consumer_count": 0, "created": description.created}


def _nanoseconds(reply: str) -> int:
    """Return when a message was stored, exactly: nats-py's time has microseconds.

    Args:
        reply: its reply subject, `$JS.ACK.….TIME.PENDING`, with more tokens at the end in newer versions.
    """
    tokens = reply.split(".")
    return int(tokens[7] if len(tokens) == 9 else tokens[9])


def _unreadable(name: str, error: dict[str, Any] | None) -> Refusal:
    reason = (error or {}).get("description") or "no answer"
    return BusUnavailable(
        vi=f"NATS không cho đọc {name} ({reason}); hãy kiểm tra kết nối, quyền của người dùng NATS backup, và nats-server từ 2.15, rồi chạy lại.",
        en=f"NATS does not let {name} be read ({reason}); check the connection, the rights of the NATS user backup, and that nats-server is 2.15 or later, then run this again.",
    )
