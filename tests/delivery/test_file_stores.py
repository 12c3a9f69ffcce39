"""The stores of files keep the same promises; and a file of a bus whose store is a bucket."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from support.filings import Filings, pdf
from support.processes import Process, free_port
from support.waits import eventually
from support.workbench import Workbench

from lgsp_gateway.delivery.files.chunk_cipher import ChunkCipher, DamagedChunkError, new_wrapped_key
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.folder_store import FolderStore
from lgsp_gateway.delivery.files.nats_store import NatsStore
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_runtime.nats.connection import connect

ONE, TWO = "01a2b3c4-0000-7000-8000-000000000001", "01a2b3c4-0000-7000-8000-000000000002"
MIB = 1 << 20


async def keeps_its_promises(store: FileStore) -> None:
    large = pdf(store.chunk_bytes + 28)
    await store.put(ONE, "0.1", large)
    await store.put(ONE, "1.1", b"b")
    await store.put(ONE, "1.2", b"c")
    await store.put(TWO, "0.1", b"d")
    assert await store.get(ONE, "0.1") == large
    assert await store.get(ONE, "7.1") is None
    await store.delete(ONE, keep=["0.1", "1.2"])
    assert [await store.get(ONE, name) for name in ("0.1", "1.1", "1.2")] == [large, None, b"c"]
    await store.put(ONE, "2.3", b"e")
    await store.delete_chunks(ONE, ["2.3", "3.3"])
    assert [await store.get(ONE, name) for name in ("0.1", "1.2", "2.3")] == [large, b"c", None]
    await store.delete(ONE)
    assert [await store.get(ONE, name) for name in ("0.1", "1.2")] == [None, None]
    assert await store.get(TWO, "0.1") == b"d"
    await store.delete(TWO)
    await store.delete(TWO)


async def test_a_folder(tmp_path: Path) -> None:
    await keeps_its_promises(FolderStore(tmp_path / "files"))
    assert not [file for file in (tmp_path / "files").rglob("*") if file.is_file()]


async def test_a_stream(bus: Workbench) -> None:
    async with AsyncExitStack() as stack:
        connection = await connect(bus.endpoint("gateway"), "test files")
        stack.push_async_callback(connection.close)
        store = NatsStore(connection, StorageSpace())
        await store.start(1)
        await keeps_its_promises(store)


@pytest.mark.long
async def test_a_bucket(tmp_path: Path) -> None:
    port = free_port()
    server = Process([sys.executable, "-m", "moto.server", "-p", str(port)], tmp_path / "s3.log")
    await server.start(wait_ready=False)
    bench = Filings(tmp_path / "bench")
    try:
        url = f"http://127.0.0.1:{port}"

        async def is_made() -> bool:
            try:
                async with aiohttp.request("PUT", f"{url}/tep") as made:
                    return made.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await eventually(is_made)
        await bench.start()
        second = bench.another_gateway("second", free_port())
        second.command += ["--files", "s3://tep/lgsp"]
        second.environment |= {
            "AWS_ENDPOINT": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        await second.start()
        address = second.command[second.command.index("--port") + 1]
        first, bench.session = bench.session, aiohttp.ClientSession(f"http://127.0.0.1:{address}")
        content = pdf(9 * MIB + 7)
        path = await bench.begin(len(content))
        assert (await bench.send(path, 0, content[: 5 * MIB])).status == 204
        last = await bench.send(path, 5 * MIB, content[5 * MIB :])
        assert last.status == 204, last.body
        assert (await bench.ask("GET", path)).body == content
        assert (await bench.ask("DELETE", path, headers=bench.tus())).status == 204
        await bench.session.close()
        bench.session = first
        await second.stop()
        await bench.stop()
    finally:
        await asyncio.shield(server.stop())


def test_a_chunk_is_bound_to_its_place() -> None:
    keys = {1: bytes(32), 2: bytes(range(32))}
    both, newest, oldest = (PayloadCipher(lambda known=known: known) for known in (keys, {2: keys[2]}, {1: keys[1]}))
    wrapped = new_wrapped_key(ONE, both)
    cipher = ChunkCipher(ONE, wrapped, both)
    sealed = cipher.encrypt("0.1", b"content")
    assert cipher.decrypt("0.1", sealed) == b"content"
    assert ChunkCipher(ONE, wrapped, newest).decrypt("0.1", sealed) == b"content"
    for file, chunk, damaged in ((ONE, "1.1", sealed), (ONE, "0.1", sealed[:-1]), (ONE, "0.1", b"")):
        with pytest.raises(DamagedChunkError):
            ChunkCipher(file, wrapped, both).decrypt(chunk, damaged)
    with pytest.raises(DamagedChunkError):
        ChunkCipher(TWO, wrapped, both)
    with pytest.raises(DamagedChunkError):
        ChunkCipher(ONE, wrapped, oldest)
