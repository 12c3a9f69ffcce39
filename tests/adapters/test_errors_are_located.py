"""Whatever fails in an adapter, its log says in which file, at which line and in which function, and holds no value of a document."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.adapters import ROWS_MANIFEST
from support.office import HEADING, loaded, office, written
from support.own_adapters import Breaks
from support.preloaded import Preloaded
from support.upstreams import opened, served
from support.workbench import Workbench

from lgsp_adapters.host.manifest_reloader import ContractFolder, ManifestReloader
from lgsp_runtime.background import Background

PERSON = "022093001234"
FAILURES = ("adapter failed", "upstream failed")


async def logged_by_call(bus: Workbench, answer: Any) -> tuple[EventDict, str]:
    """The last warning or error that a call makes an adapter log, and the id of the call's message."""
    with capture_logs() as logged:
        serving = await bus.serve(read=answer)
        got = await bus.call(body={"soDinhDanh": PERSON, "hoVaTen": "Nguyễn Văn An"})
        await bus.unserve(serving)
    assert got.code == "provider-failed"
    assert PERSON not in repr(logged)
    lines = [line for line in logged if line["event"] in FAILURES]
    assert {line["message"] for line in lines} == {got.message}  # an idempotent operation may be tried twice
    return lines[-1], got.message


def located(line: EventDict, file: str, function: str) -> bool:
    """Does a log line name a line of this file in this function, and no value?"""
    assert PERSON not in repr(line)
    assert "Nguyễn" not in repr(line)
    return any(frame.split(":")[0].endswith(file) and frame.endswith(f" {function}") for frame in line["frames"])


async def until(logged: list[EventDict], event: str) -> EventDict:
    async with asyncio.timeout(20):
        while not (found := [line for line in logged if line["event"] == event]):
            await asyncio.sleep(0.02)
    return found[0]


async def test_code_of_an_integrator(bus: Workbench) -> None:
    line, message = await logged_by_call(bus, Breaks({}).method("read"))
    assert line["message"] == message
    assert line["frames"][0] == "KeyError"
    assert located(line, "support/own_adapters.py", "read")


async def test_mapping(bus: Workbench) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"a": f"Nguyễn {PERSON}"})

    operations = {"read": {"path": "/", "answer": {"ketQua": "to_string(number(answer.a))"}}}
    async with served(answer) as url, opened("http", url, operations=operations) as adapter:
        line, message = await logged_by_call(bus, adapter.method("read"))
    assert line["message"] == message
    assert "MappingError" in line["frames"]
    assert located(line, "mapping/expressions.py", "make")
    assert located(line, "mapping/error_rules.py", "evaluate")


async def test_an_answer_over_http(bus: Workbench) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=f'{{"a": "Nguyễn {PERSON}"', content_type="application/json")

    operations = {"read": {"path": "/", "answer": {"ketQua": "answer.a"}}}
    async with served(answer) as url, opened("http", url, operations=operations) as adapter:
        line, _ = await logged_by_call(bus, adapter.method("read"))
    assert located(line, "upstream/response_documents.py", "parse_document")


async def test_a_connector(bus: Workbench, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "so.db").close()
    statement = "SELECT ten FROM khong_co WHERE so = :so"
    operations = {
        "read": {"statement": statement, "parameters": {"so": "request.soDinhDanh"}, "answer": {"ketQua": "row.ten"}}
    }
    async with opened("sql", f"sqlite+aiosqlite:///{tmp_path}/so.db", operations=operations) as adapter:
        line, _ = await logged_by_call(bus, adapter.method("read"))
    assert "OperationalError" in line["frames"]
    assert located(line, "connectors/sql/operation.py", "rows")


async def test_a_system_that_hangs_up(bus: Workbench) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    operations = {"read": {"path": "/", "answer": {"ketQua": "answer.a"}}}
    async with served(answer) as url, opened("http", url, operations=operations) as adapter:
        line, _ = await logged_by_call(bus, adapter.method("read"))
    assert line["why"] == "unreachable"
    assert located(line, "upstream/client.py", "_request")


@pytest.mark.parametrize(
    "body", [f"<A><ten>Nguyễn {PERSON}</ten></A>", f"<A>Nguyễn {PERSON}"], ids=["no envelope", "no XML"]
)
async def test_the_connector_soap(bus: Workbench, body: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/xml")

    operations = {"read": {"element": "A", "fields": {}, "answer": {"ketQua": "answer.a"}}}
    soap = {"namespace": "urn:x", "version": "1.1"}
    async with served(answer) as url, opened("soap", url, soap=soap, operations=operations) as adapter:
        line, _ = await logged_by_call(bus, adapter.method("read"))
    assert "NotXmlError" in line["frames"]
    assert located(line, "connectors/soap/envelopes.py", "read_body")


async def test_the_connector_files(bus: Workbench, tmp_path: Path) -> None:
    find = {"CCCD": "to_string(number(request.hoVaTen))"}
    async with office(tmp_path, find=find) as files:
        await files.drop("so.csv", f"{HEADING}A1,Nguyễn Văn An,{PERSON}\n")
        line, _ = await logged_by_call(bus, files.adapter.method("find"))
    assert "MappingError" in line["frames"]
    assert located(line, "connectors/files/connector.py", "keys")


async def test_the_connector_rows(bus: Workbench, tmp_path: Path) -> None:
    """The report that stands beside a file is a folder here, in whose place no file can be put."""
    serving = await bus.serve()
    drops, keys = tmp_path / "drops", tmp_path / "keys"
    keys.mkdir()
    (keys / "alpha.pem").write_bytes(bus.keys["alpha"].to_pem())
    (drops / "so.csv.report.json").mkdir(parents=True)
    (drops / "so.csv").write_text(f"Số,Tên\n{PERSON},Nguyễn Văn An\n")
    os.utime(drops / "so.csv", (1, 1))
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump(ROWS_MANIFEST, allow_unicode=True))
    command = ["adapter", "run", str(tmp_path / "adapter.yaml"), "--nats", bus.nats_url, "--keys", str(keys)]
    command += ["--gateway", f"http://127.0.0.1:{bus.port}", "--catalog", str(bus.catalog_folder)]
    log = tmp_path / "rows.log"
    process = await Preloaded(command, log).start()
    async with asyncio.timeout(20):
        while not (lines := [line for line in log.read_text().splitlines() if '"frames"' in line]):
            await asyncio.sleep(0.05)
    await process.stop()
    await bus.unserve(serving)
    line = json.loads(lines[0])
    assert line["event"] == "inbox unavailable"
    assert located(line, "host/row_importer.py", "_write")
    assert located(line, "inboxes/local.py", "_write")
    assert PERSON not in log.read_text()
    assert "Nguyễn" not in log.read_text()


async def test_an_inbox(tmp_path: Path) -> None:
    with capture_logs() as logged:
        async with office(tmp_path, drops=str(tmp_path / f"Nguyễn {PERSON}")):
            line = await until(logged, "inbox unavailable")
    assert line["frames"][0] == "InboxUnavailableError"
    assert "FileNotFoundError" in line["frames"]
    assert located(line, "inboxes/local.py", "_open_folder")


class Part:
    """Serves a manifest, in that it does nothing."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def take_over(self, changed: Any) -> None: ...


def failing_later() -> Callable[[Any], Part]:
    """What builds a part once, and breaks when it is asked for another."""
    built: list[Part] = []

    def build(_manifest: Any) -> Part:
        if built:
            raise LookupError(f"Nguyễn {PERSON}")
        built.append(Part())
        return built[0]

    return build


async def test_the_host(tmp_path: Path) -> None:
    path = written(tmp_path)
    manifest, _ = loaded(path)
    background = Background()
    with capture_logs() as logged:
        reloader = ManifestReloader(manifest, ContractFolder(tmp_path / "contract.yaml"), failing_later())
        await reloader.start(background)
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "concurrency": 2}, allow_unicode=True))
        line = await until(logged, "changed manifest failed")
        await reloader.stop()
        await background.stop()
    assert line["frames"][0] == "LookupError"
    assert located(line, "host/manifest_reloader.py", "_reload_if_changed")
    assert located(line, "adapters/test_errors_are_located.py", "build")
