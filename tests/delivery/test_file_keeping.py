"""Files that outlive what happens to the bus: a gateway that is killed, two gateways, a full store, a scanner that is away, their end."""

import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from support.clamd import STREAM_MAX_MIB, Clamd
from support.filings import EICAR, PDF, Filings, pdf, sha256
from support.preloaded import run
from support.processes import Process, free_port
from support.waits import eventually
from tusclient.client import TusClient

MIB = 1 << 20
PERSON = "Nguyễn Thị Ánh Tuyết 022193004321"


@asynccontextmanager
async def second_gateway(bench: Filings, *options: str) -> AsyncIterator[Process]:
    """A second gateway with further options; requests of the bench go to it meanwhile."""
    port, first = free_port(), bench.session
    gateway = bench.another_gateway("second", port)
    gateway.command += options
    await gateway.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            bench.session = session
            yield gateway
    finally:
        bench.session = first
        await gateway.stop()


async def test_an_upload_goes_on_at_another_gateway_and_after_a_kill(filings: Filings) -> None:
    content = pdf(3 * MIB + 11)
    path = await filings.begin(len(content), sha256=sha256(content))
    assert (await filings.send(path, 0, content[: MIB + 1])).status == 204
    async with second_gateway(filings) as second:
        assert await filings.offset(path) == MIB + 1
        assert (await filings.send(path, MIB + 1, content[MIB + 1 : 2 * MIB])).status == 204
        await second.kill()
        await second.start()
        assert await filings.offset(path) == 2 * MIB
        last = await filings.send(path, 2 * MIB, content[2 * MIB :])
        assert last.status == 204, last.body
    assert (await filings.ask("GET", path)).body == content


@pytest.mark.long
async def test_a_gateway_that_is_killed_while_it_receives_leaves_what_it_stored(filings: Filings) -> None:
    content = pdf(40 * MIB)
    path = await filings.begin(len(content), sha256=sha256(content))
    async with second_gateway(filings) as second:

        async def endless() -> AsyncIterator[bytes]:
            for start in range(0, len(content) - MIB, MIB):
                yield content[start : start + MIB]
            await second.kill()
            yield b"x"

        with pytest.raises(aiohttp.ClientError):
            await filings.send(path, 0, endless())
    offset = await filings.offset(path)
    assert offset >= 24 * MIB

    async def go_on() -> bool:
        got = await filings.send(path, offset, content[offset:])
        assert got.status in (204, 423), got.body
        return got.status == 204

    await eventually(go_on)
    assert (await filings.ask("GET", path)).body == content


@pytest.mark.parametrize("store", ["nats", "folder"])
async def test_nothing_of_a_file_is_readable_on_the_disk(filings: Filings, tmp_path: Path, store: str) -> None:
    folder = tmp_path / "files"
    marked = PERSON.encode() * 40_000
    async with second_gateway(filings, *(["--files", str(folder)] if store == "folder" else [])):
        partial = await filings.begin(len(marked) + 1, filename=f"{PERSON}.txt", filetype="text/plain")
        assert (await filings.send(partial, 0, marked)).status == 204
        whole = await filings.upload(marked, "text/plain", "a.txt")
        assert whole.status == 201, whole.body
        assert (await filings.ask("GET", whole.json["href"])).body == marked
    found = [
        file
        for root in (folder, filings.state.nats)
        for file in root.rglob("*")
        if file.is_file() and any(part.encode() in file.read_bytes() for part in (PERSON, PERSON[-12:]))
    ]
    assert not found
    assert store != "folder" or len(list(folder.rglob("*.*"))) >= 4


async def test_an_agency_has_a_quota_and_files_have_an_end(filings: Filings) -> None:
    async with second_gateway(filings, "--agency-storage-mib", "200", "--files-keep-days", "0.00001"):
        refused = await filings.upload(pdf(10), system="alpha", name="a.pdf")
        assert refused.status == 201
        too_much = await filings.ask("POST", "/files", headers=filings.tus(Upload_Length=str(200 * MIB + 1)))
        assert (too_much.status, too_much.json["code"]) == (429, "storage-quota-exceeded"), too_much.body

        async def is_gone() -> bool:
            return (await filings.ask("GET", refused.json["href"])).status == 410

        await eventually(is_gone)


async def test_malware_is_quarantined_and_reported(filings: Filings, tmp_path: Path) -> None:
    security = tmp_path / "security.log"
    with tempfile.TemporaryDirectory(prefix="clamd-") as folder:
        async with AsyncExitStack() as stack:
            scanner = await Clamd(Path(folder)).start()
            stack.push_async_callback(scanner.stop)
            await stack.enter_async_context(
                second_gateway(filings, "--files-scanner", scanner.address, "--security-log", str(security))
            )
            assert (await filings.upload(PDF)).json["state"] == "available"
            infected = await filings.upload(b"abc" + EICAR, "text/plain", "a.txt")
            assert (infected.status, infected.json["code"]) == (422, "file-refused")
            assert "malware" in infected.json["detail"]
            zipped = await filings.upload(pdf(MIB) + EICAR + pdf(MIB))
            assert zipped.json["code"] == "file-refused", "found behind the first pieces too"
            beyond = await filings.upload(pdf((STREAM_MAX_MIB + 2) * MIB))
            assert "scanner does not take" in beyond.json["detail"]
            events = [json.loads(line) for line in security.read_text().splitlines()]
            quarantined = [event for event in events if event["event"]["action"] == "file-quarantined"]
            assert [event["event"]["reason"] for event in quarantined] == ["malware", "malware"]
            await scanner.stop()
            waiting = await filings.upload(PDF, name="b.pdf")
            assert waiting.json["state"] == "scanning", "without its scanner no file becomes available"
            assert (await filings.ask("GET", waiting.json["href"])).json["code"] == "file-not-ready"
            await scanner.start()

            async def available() -> bool:
                return (await filings.ask("GET", waiting.json["href"])).status == 200

            await eventually(available)


async def test_the_python_client_of_tus_uploads(filings: Filings, tmp_path: Path) -> None:
    content = pdf(2 * MIB + 77)
    file = tmp_path / "don.pdf"
    file.write_bytes(content)
    program = (
        "import sys\nfrom tusclient.client import TusClient\nurl, token, path = sys.argv[1:]\n"
        "client = TusClient(url + '/files', headers={'Authorization': 'Bearer ' + token})\n"
        "uploader = client.uploader(path, chunk_size=700_000, upload_checksum=True, retries=3, retry_delay=1,\n"
        "    metadata={'filename': 'don.pdf', 'filetype': 'application/pdf'})\n"
        "uploader.upload(stop_at=1_400_000)\nresumed = client.uploader(path, chunk_size=900_000, url=uploader.url)\n"
        "resumed.upload()\nprint(resumed.url)\n"
    )
    assert TusClient
    process = Process(
        [sys.executable, "-c", program, f"http://127.0.0.1:{filings.port}", filings.token("alpha"), str(file)],
        tmp_path / "tus.log",
    )
    await process.start(wait_ready=False)
    assert await process.ended() == 0, process.log.read_text()
    [url] = process.output
    assert (await filings.ask("GET", url.removeprefix(f"http://127.0.0.1:{filings.port}"))).body == content


async def test_files_by_command(filings: Filings, tmp_path: Path) -> None:
    content = pdf(9 * MIB + 1)
    file = tmp_path / "đơn.pdf"
    file.write_bytes(content)
    remote = ["--url", f"http://127.0.0.1:{filings.port}", "--token", filings.token("alpha")]
    code, out, err = await run("files", "upload", str(file), *remote)
    assert (code, err.startswith("đơn.pdf, ")) == (0, True), err
    reference = out.strip()
    fetched = tmp_path / "fetched.pdf"
    code, _, err = await run("files", "download", reference, "-o", str(fetched), *remote)
    assert code == 0, err
    assert fetched.read_bytes() == content
    begun = await filings.begin(len(content), sha256=sha256(content))
    await filings.send(begun, 0, content[:1000])
    code, out, err = await run("files", "upload", str(file), "--resume", begun, *remote)
    assert (code, out.strip()) == (0, begun), err
    code, out, _ = await run("files", "list", *remote)
    assert code == 0
    assert reference in out
    code, _, err = await run("files", "delete", reference.removeprefix("/files/"), *remote)
    assert code == 0, err
    code, _, err = await run("files", "download", reference, "-o", str(fetched), *remote)
    assert code != 0
    assert "has expired" in err
