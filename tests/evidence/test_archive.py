"""Archives: what is old leaves the stream whole, can be proved and searched as before, and shows any change."""

import asyncio
import gzip
import re
import socket
import sys
import tarfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from support.preloaded import run
from support.processes import Process, free_port
from support.searched import Searched
from support.waits import WORK_SECONDS
from support.workbench import Workbench

from lgsp_gateway.evidence.archive.file_format import Archive
from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.local import nats_config
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import connect


class Archived:
    """A bus with calls on it, and a place for archives."""

    def __init__(self, bus: Workbench, folder: Path) -> None:
        self.bus = bus
        self.shelf = folder / "archive"
        self.keys = folder / "keys.txt"
        self.remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]

    async def archive(self, older_than: str = "0s", **environment: str) -> tuple[int, str, str]:
        more = ["--nats", self.bus.nats_url, "--nats-passwords", str(nats_config.passwords(self.bus.state))]
        shelf = environment.pop("shelf", str(self.shelf))
        command = ["evidence", "archive", "--to", shelf, "--older-than", older_than, *more]
        return await run(*command, "--keys", str(self.bus.state.keys), environment=environment)

    async def verify(self, *arguments: str) -> tuple[int, str, str]:
        code, out, _ = await run("evidence", "keys", "--url", self.remote[1])
        assert code == 0
        self.keys.write_text(out)
        return await run("evidence", "verify", *arguments, "--key", str(self.keys), *self.remote)

    async def signed(self, count: int = 1) -> list[str]:
        """Calls that are under a checkpoint."""
        sent = [(await self.bus.call()).message for _ in range(count)]
        await self.proof(sent[-1])
        return sent

    async def proof(self, message: str) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.bus.token('auditor')}"}
        async with asyncio.timeout(15):
            while True:
                path = f"/evidence/messages/{message}/proof?wait=20"
                async with self.bus.session.get(path, headers=headers) as answer:
                    if answer.status == 200:
                        return dict(await answer.json())
                    assert answer.status in {404, 503}, await answer.text()  # not under a checkpoint yet
                await asyncio.sleep(0.1)

    async def left(self) -> tuple[int, int]:
        """Groups and checkpoints in the streams."""
        connection = await connect(self.bus.endpoint("gateway"), "test")
        states = [
            (await connection.jetstream().stream_info(name)).state
            for name in (entry_stream.STREAM, checkpoint_stream.STREAM)
        ]
        await connection.close()
        return states[0].messages, states[1].messages


@pytest_asyncio.fixture
async def archived(tmp_path: Path) -> AsyncIterator[Archived]:
    bus = await Workbench(tmp_path).start("--archive", str(tmp_path / "archive"))
    await bus.serve()
    yield Archived(bus, tmp_path)
    await bus.stop()


async def test_what_is_old_is_archived_and_proved_as_before(archived: Archived) -> None:
    first = await archived.signed(5)
    code, out, err = await archived.archive()
    assert (code, "archived, verified and deleted" in out) == (0, True), err
    assert await archived.left() == (0, 1)
    second = await archived.signed(3)
    assert (await archived.archive())[0] == 0
    third = await archived.signed(2)
    for message in (*first, *second, *third):
        await archived.proof(message)
    code, out, err = await archived.verify("--archive", str(archived.shelf))
    assert (code, out.count("whole")) == (0, 2), err
    code, out, err = await archived.verify()
    assert (code, "entries 8 to 10" in out) == (0, True), out + err
    code, out, err = await run("evidence", "export", str(archived.shelf.parent / "export"), *archived.remote)
    assert code == 0, err
    code, out, err = await archived.verify(str(archived.shelf.parent / "export"), "--archive", str(archived.shelf))
    assert (code, out.count("whole")) == (0, 3), out + err
    empty = archived.shelf.parent / "empty"
    empty.mkdir()
    code, _, err = await archived.verify("--archive", str(empty))
    assert (code, "nothing was verified" in err) == (1, True)
    # An older archive that is missing leaves a gap, which shows.
    min(archived.shelf.glob("*.tar.gz")).unlink()
    code, _, err = await archived.verify("--archive", str(archived.shelf))
    assert (code, "lacks the part before" in err) == (1, True), err
    # What is in the stream can be proved all the same, and archiving goes on where the last archive ends.
    await archived.signed(1)
    assert (await archived.archive())[0] == 0


async def test_a_part_is_verified_alone(archived: Archived) -> None:
    for _ in range(3):
        await archived.signed(2)
    code, out, err = await archived.verify("--from", "3", "--to", "4")
    assert (code, "entries 2 to 4, 1 checkpoints, whole" in out) == (0, True), out + err


async def test_after_a_restart_the_log_goes_on_where_it_was(archived: Archived) -> None:
    await archived.signed(2)
    assert (await archived.archive())[0] == 0
    await archived.bus.gateway.kill()
    await archived.bus.gateway.start()
    assert (await archived.proof((await archived.signed(1))[0]))["index"] == 2
    code, out, err = await archived.verify()
    assert (code, "entries 2 to 3" in out) == (0, True), out + err


async def test_what_moves_nothing(archived: Archived) -> None:
    """Nothing is old enough, the age is none, the shelf cannot be written, or who asks is not the archiver."""
    await archived.signed(2)
    before = await archived.left()
    code, out, _ = await archived.archive("1d")
    assert (code, out) == (0, "nothing is that old\n")
    code, _, err = await archived.archive("soon")
    assert (code, "no duration" in err) == (1, True)
    blocked = archived.shelf.parent / "blocked"
    blocked.write_text("a file")
    code, _, err = await archived.archive(shelf=str(blocked))
    assert (code, "cannot be used" in err) == (1, True), err
    connection = await connect(archived.bus.endpoint("gateway"), "test")
    with pytest.raises(Exception, match="timeout"):
        await connection.request(f"$JS.API.STREAM.PURGE.{entry_stream.STREAM}", b"", timeout=0.5)
    await connection.close()
    assert await archived.left() == before


async def test_a_changed_archive_is_found_out(archived: Archived) -> None:
    await archived.signed(4)
    assert (await archived.archive())[0] == 0
    await archived.verify()  # writes the keys
    [key] = [VerifierKey.parse(line) for line in archived.keys.read_text().splitlines()]
    [file] = archived.shelf.glob("*.tar.gz")
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    lines = members["entries.jsonl"].splitlines(keepends=True)
    about = members["archive.json"]
    for changed in (
        {"entries.jsonl": members["entries.jsonl"].replace(b"answered", b"Answered", 1)},
        {"entries.jsonl": b"".join(lines[1:])},
        {"entries.jsonl": b"".join([lines[1], lines[0], *lines[2:]])},
        {"entries.jsonl": members["entries.jsonl"] + lines[0]},
        {"archive.json": about.replace(b'"groups":[', b'"groups":[[1,9],')},
        {"archive.json": b"[]"},
        {"archive.json": re.sub(rb'"groups":\[.*\]', b'"groups":[[1,-5],[2,9]]', about)},
        {"archive.json": about + b" " * (65 << 20)},
        {"entries.jsonl": b"x" * (2 << 20) + b"\n" + members["entries.jsonl"]},
        {"entries.jsonl": members["entries.jsonl"].removesuffix(b"\n")},
        {"more.json": b"{}"},
    ):
        with gzip.open(file, "wb") as packed, tarfile.open(None, "w", packed) as tar:
            for name, content in (members | changed).items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, BytesIO(content))
        with pytest.raises(Refusal, match="not true"):
            Archive(file).verify(key)
    for cut in (len(whole) - 200, len(whole) // 2, 5, 0, len(whole) - 1, len(whole) - 6):
        file.write_bytes(whole[:cut])
        with pytest.raises(Refusal, match="not true"):
            Archive(file).verify(key)
    file.write_bytes(whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])  # the checksum of gzip
    code, _, err = await archived.verify("--archive", str(archived.shelf))
    assert (code, "not true" in err) == (1, True), err
    file.write_bytes(whole)
    assert Archive(file).verify(key)[1].size == 4


async def test_a_hostile_archive_takes_no_memory(archived: Archived) -> None:
    """Gigabytes of nothing, where a header, a document or a line should be, are not read."""
    await archived.signed(1)
    assert (await archived.archive())[0] == 0
    await archived.verify()  # writes the keys
    [file] = archived.shelf.glob("*.tar.gz")
    for kind, name in ((tarfile.XHDTYPE, "pax"), (tarfile.GNUTYPE_LONGNAME, "long"), (tarfile.REGTYPE, "archive.json")):
        header = tarfile.TarInfo(name)
        header.type, header.size = kind, 1 << 30
        file.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT)) + 64 * gzip.compress(bytes(16 << 20), 1))
        code, usage = await _bounded_verify(archived, file)
        assert code == 1, usage
        assert "not a whole archive" in usage


async def _bounded_verify(archived: Archived, file: Path) -> tuple[int, str]:
    """Verify archives in a process that may have 700 MB of addresses, four of which are the interpreter's."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_DATA, (700 << 20, 700 << 20));"
        "from lgsp_gateway.cli.main import main; sys.argv = ['lgsp', *sys.argv[1:]]; main()"
    )
    command = [sys.executable, "-c", program, "evidence", "verify", "--archive", str(file.parent)]
    process = await asyncio.create_subprocess_exec(
        *command, "--key", str(archived.keys), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(WORK_SECONDS):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_a_new_index_begins_with_the_archives(searched: Searched, tmp_path: Path) -> None:
    bus = searched.bus
    other = bus.another_gateway("other", free_port())
    await other.start()
    archived = Archived(bus, tmp_path)
    sent = await archived.signed(4)
    assert (await archived.archive())[0] == 0
    sent += await archived.signed(3)
    assert (await archived.archive())[0] == 0
    sent += await archived.signed(2)
    await searched.indexer.stop()
    for file in Path(searched.address).parent.glob("index.db*"):
        file.unlink()
    searched.indexer.command += ["--archive", str(archived.shelf)]
    await searched.indexer.start()
    for message in sent:
        await searched.indexed(message)
    items = await searched.items(limit="1000", consumer="alpha")
    assert sorted(item["message"] for item in items) == sorted(sent)
    story = (await bus.ask("GET", f"/evidence/messages/{sent[0]}", system="auditor")).json["entries"][0]
    assert "requestDigest" not in story  # it is read from the index, which has the durations
    assert story["totalMs"] >= story["providerMs"] >= story["adapterMs"] > 0
    await other.stop()


async def test_a_new_index_is_whole_where_the_stream_is_empty(searched: Searched, tmp_path: Path) -> None:
    """Everything is archived, and nothing is written any more: the index does not wait for more."""
    archived = Archived(searched.bus, tmp_path)
    sent = await archived.signed(3)
    assert (await archived.archive())[0] == 0
    assert (await archived.left())[0] == 0
    await searched.indexer.stop()
    for file in Path(searched.address).parent.glob("index.db*"):
        file.unlink()
    searched.indexer.command += ["--archive", str(archived.shelf)]
    await searched.indexer.start()
    for message in sent:
        await searched.indexed(message)


async def test_archives_in_a_bucket(archived: Archived) -> None:
    port = free_port()
    server = Process([sys.executable, "-m", "moto.server", "-p", str(port)], archived.shelf.parent / "s3.log")
    await server.start(wait_ready=False)
    try:
        async with asyncio.timeout(20):
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                await asyncio.sleep(0.1)
        async with archived.bus.session.put(f"http://127.0.0.1:{port}/evidence") as made:
            assert made.status == 200, await made.text()
        aws = {
            "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        await archived.signed(3)
        code, out, err = await archived.archive(shelf="s3://evidence/lgsp", **aws)
        assert (code, "archived, verified and deleted" in out) == (0, True), err
        await archived.verify()  # writes the keys
        command = ["evidence", "verify", "--archive", "s3://evidence/lgsp", "--key", str(archived.keys)]
        code, out, err = await run(*command, environment=aws)
        assert (code, "whole" in out) == (0, True), err
    finally:
        await server.stop()
