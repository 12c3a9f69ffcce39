"""What lies on the disks of a bus: as a thief of the disk reads it, and as the NATS server decrypts it."""

import asyncio
import base64
import contextlib
import unicodedata
import zlib
from collections.abc import Iterable
from pathlib import Path

import orjson
from nats.aio.msg import Msg

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_runtime.nats.connection import connect
from support.waits import WORK_SECONDS
from support.workbench import Workbench


async def stored_bytes(bus: Workbench) -> bytes:
    """Read all that the streams hold, decrypted by the server: subjects, headers and payloads."""
    connection = await connect(bus.endpoint("gateway"), "test")
    try:
        jetstream = connection.jetstream()
        parts = []
        for stream in await jetstream.streams_info():
            name, sequence = stream.config.name, 1
            async with asyncio.timeout(WORK_SECONDS):
                while sequence <= stream.state.last_seq:
                    request = orjson.dumps({"seq": sequence, "next_by_subj": ">"})
                    answer = orjson.loads((await connection.request(f"$JS.API.STREAM.MSG.GET.{name}", request)).data)
                    if "message" not in answer:
                        break
                    message = answer["message"]
                    parts += [message["subject"].encode(), base64.b64decode(message.get("hdrs", ""))]
                    parts += [base64.b64decode(message.get("data", ""))]
                    sequence = message["seq"] + 1
        return b"\n".join(parts)
    finally:
        await connection.close()


def decrypted(bus: Workbench, message: Msg) -> bytes:
    """Decrypt the payload of a message of a stream of delivery, as the gateways do."""
    return PayloadCipher(KeyStore(bus.state.keys).storage_keys).decrypt(message.subject, message.data)


def spellings(text: str) -> Iterable[bytes]:
    """Spell a text in each way in which it could lie on a disk: composed and decomposed, in UTF-8 and UTF-16, JSON escapes, hex, base64
    at each of its three offsets."""
    for form in {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}:
        plain = form.encode()
        yield plain
        yield form.encode("utf-16-le")
        yield form.encode("utf-16-be")
        yield form.encode("unicode_escape")
        yield plain.hex().encode()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            for offset in range(3):
                # the digits that depend on neighbours are cut off
                yield encode(b"\0" * offset + plain)[4 if offset else 0 : -4]


def files_with(folder: Path, texts: Iterable[str]) -> dict[str, list[str]]:
    """Name the files in a folder that hold one of the texts, in any spelling, also inside of compressed parts."""
    wanted = {spelling: text for text in texts for spelling in spellings(text)}
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for part in (content, *_decompressed(content)):
                hits = {text for spelling, text in wanted.items() if spelling in part}
                if hits:
                    found.setdefault(str(path.relative_to(folder)), []).extend(sorted(hits))
    return found


def _decompressed(content: bytes) -> Iterable[bytes]:
    """Yield what the compressed parts of a file hold that begin anywhere in it: gzip and zlib."""
    for start, bits in ((b"\x1f\x8b\x08", 31), (b"\x78\x01", 15), (b"\x78\x9c", 15), (b"\x78\xda", 15)):
        position = content.find(start)
        while position >= 0:
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj(bits).decompress(content[position:], 1 << 22)
            position = content.find(start, position + 1)
