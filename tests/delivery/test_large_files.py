"""Large files: in little memory, by the official clients, from every store."""

import asyncio
import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.filings import Filings
from support.processes import ROOT, Process
from support.waits import WORK_SECONDS, eventually

MIB = 1 << 20
MODULES = Path("~/.cache/lgsp-tests/tus").expanduser()
EXTRA_MIB = 60


def peak_mib(pid: int) -> float:
    """Return the highest resident memory of a process so far, and begin to count anew."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return kib / 1024


async def pieces(size: int, digest: "hashlib._Hash | None" = None) -> AsyncIterator[bytes]:
    for number in range(size // MIB):
        piece = hashlib.sha256(number.to_bytes(8, "big")).digest() * (MIB // 32)
        if digest:
            digest.update(piece)
        yield piece


async def in_little_memory(filings: Filings, size: int) -> None:
    """Upload and download a file of some bytes, and see what memory the gateway takes for it."""
    pid = filings.gateway.pid
    peak_mib(pid)
    before = peak_mib(pid)
    path = await filings.begin(size, filename="ban-do.bin", filetype="application/octet-stream")
    loop, sent = asyncio.get_running_loop(), hashlib.sha256()
    began = loop.time()
    headers = filings.tus(Upload_Offset="0", Content_Type="application/offset+octet-stream", Content_Length=str(size))
    assert (await filings.ask("PATCH", path, pieces(size, sent), headers)).status == 204
    uploaded = loop.time()
    read, length = hashlib.sha256(), 0

    async def is_verified() -> bool:  # a large one takes longer than the last request waits
        return (await filings.ask("GET", f"{path}/metadata")).json["state"] == "available"

    await eventually(is_verified, within=WORK_SECONDS)
    ready = loop.time()
    async with filings.session.get(path, headers=filings.authorized()) as answer:
        async for piece in answer.content.iter_any():
            read.update(piece)
            length += len(piece)
    downloaded = loop.time()
    extra = peak_mib(pid) - before
    print(
        f"\n{size // MIB} MiB: {extra:.0f} MiB of extra memory; up and verified {size / MIB / (ready - began):.0f} MiB/s"
        f" (last request answered after {uploaded - began:.1f} s), down {size / MIB / (downloaded - ready):.0f} MiB/s"
    )
    assert length == size
    assert read.digest() == sent.digest()
    assert extra < EXTRA_MIB
    await filings.ask("DELETE", path, headers=filings.tus())


async def test_a_file_passes_in_little_memory(filings: Filings) -> None:
    await in_little_memory(filings, 64 * MIB)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_gigabyte_passes_in_little_memory(filings: Filings) -> None:
    await in_little_memory(filings, 1024 * MIB)


@pytest.mark.long
async def test_the_javascript_client_of_tus_uploads(filings: Filings, tmp_path: Path) -> None:
    assert shutil.which("npm"), "npm is missing; apt-get install nodejs npm"
    if not (MODULES / "node_modules" / "tus-js-client").exists():
        MODULES.mkdir(parents=True, exist_ok=True)
        (MODULES / "package.json").write_text('{"private": true, "type": "module"}')
        subprocess.run(["npm", "install", "--silent", "tus-js-client@4"], cwd=MODULES, check=True)
    shutil.copy(ROOT / "tests" / "support" / "tus_upload.mjs", MODULES / "tus_upload.mjs")
    file = tmp_path / "ban-do.bin"
    file.write_bytes(b"".join([piece async for piece in pieces(48 * MIB)]))
    url = f"http://127.0.0.1:{filings.port}"
    client = Process(
        ["node", str(MODULES / "tus_upload.mjs"), url, filings.token("alpha"), str(file)], tmp_path / "tus.log"
    )
    await client.start(wait_ready=False)
    async with asyncio.timeout(WORK_SECONDS):
        assert await client.ended() == 0, client.log.read_text()
    path = client.output[0].removeprefix(url)
    assert (await filings.ask("GET", path)).body == file.read_bytes()
    described = (await filings.ask("GET", f"{path}/metadata")).json
    assert described["name"] == "bản đồ.bin"
