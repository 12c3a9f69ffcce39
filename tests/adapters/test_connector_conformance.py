"""The connectors that come with lgsp pass the conformance suite that an outsider's connector passes."""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from support.processes import ROOT
from support.upstreams import served

from lgsp_adapters import manifest
from lgsp_adapters.adapter import Adapter, Call, Declared, Document
from lgsp_adapters.conformance import check_behaviour
from lgsp_contracts import catalog

CONTRACT = catalog.load(ROOT / "examples/connector_dbf/example/officers.yaml")["officers", 1]
OFFICER = CONTRACT.operations["lookup-officer"].example.response
XML = "".join(f"<{name}>{str(value).lower() if value is True else value}</{name}>" for name, value in OFFICER.items())
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


class Officers(Adapter):
    """A class of an integrator."""

    async def lookup_officer(self, request: Document, call: Call) -> Document:
        """Look an officer up by code."""
        if request["maCanBo"] != "NV0001":
            raise Declared("officer-not-found")
        return dict(OFFICER)


@pytest.fixture
async def office() -> AsyncIterator[str]:
    """Serve the officer over HTTP, as JSON and as SOAP."""

    async def answer(request: web.Request) -> web.Response:
        found = b"NV0001" in await request.read() or request.path.endswith("NV0001")
        if request.path == "/soap":
            body = f"<r xmlns='urn:x'>{XML if found else ''}</r>"
            text = f"<s:Envelope xmlns:s='{SOAP}'><s:Body>{body}</s:Body></s:Envelope>"
            return web.Response(text=text, content_type="text/xml")
        return web.json_response(OFFICER) if found else web.json_response({}, status=404)

    async with served(answer) as url:
        yield url


FIELDS = {name: f"answer.{name}" for name in OFFICER}
OF_XML = {**FIELDS, "heSoLuong": "number(answer.heSoLuong)", "dangLamViec": "answer.dangLamViec == 'true'"}
OPERATIONS: dict[str, dict[str, Any]] = {
    "mock": {},
    "python": {"adapter": f"{__name__}:Officers"},
    "http": {
        "path": "/{request.maCanBo}",
        "errors": [
            {"when": "status == `404`", "is": "officer-not-found"},
            {"when": "!(answer.hoVaTen)", "failed": "unintelligible"},
        ],
        "answer": FIELDS,
    },
    "soap": {"element": "TraCuu", "fields": {"Ma": "request.maCanBo"}, "none": "officer-not-found", "answer": OF_XML},
    "sql": {
        "statement": "SELECT hoVaTen, ngaySinh, heSoLuong, dangLamViec = 1 AS lam FROM can_bo WHERE ma = :ma",
        "parameters": {"ma": "request.maCanBo"},
        "none": "officer-not-found",
        "answer": {
            **{name: f"row.{name}" for name in OFFICER},
            "heSoLuong": "number(row.heSoLuong)",
            "dangLamViec": "row.lam == `1`",
        },
    },
    "files": {
        "find": {"ma": "request.maCanBo"},
        "none": "officer-not-found",
        "answer": {
            **{name: f"row.{name}" for name in OFFICER},
            "heSoLuong": "number(row.heSoLuong)",
            "dangLamViec": "row.dangLamViec == 'true'",
        },
    },
}


def written(kind: str, folder: Path, url: str) -> dict[str, Any]:
    """Write the manifest of a connector, and its system where that is a file."""
    document: dict[str, Any] = {"service": "officers", "major": 1, "system": "so-noi-vu", "kind": kind}
    if kind in ("mock", "python"):
        return {**document, **OPERATIONS[kind]}
    document["operations"] = {"lookup-officer": OPERATIONS[kind]}
    if kind == "sql":
        with sqlite3.connect(folder / "register.db") as database:
            database.execute(
                "CREATE TABLE can_bo (ma TEXT, hoVaTen TEXT, ngaySinh TEXT, heSoLuong TEXT, dangLamViec INTEGER)"
            )
            database.execute("INSERT INTO can_bo VALUES ('NV0001', ?, ?, ?, ?)", tuple(OFFICER.values()))
        database.close()
        return {**document, "connection": {"url": f"sqlite:///{folder}/register.db"}}
    if kind == "files":
        (folder / "inbox").mkdir()
        row = ",".join(str(value).lower() if value is True else str(value) for value in OFFICER.values())
        (folder / "inbox/can-bo.csv").write_text(f"ma,{','.join(OFFICER)}\nNV0001,{row}\n")
        os.utime(folder / "inbox/can-bo.csv", (0, 0))  # nobody is writing it any more
        files = {"pattern": "*.csv", "format": "csv", "poll-seconds": 0.05}
        return {**document, "connection": {"folder": str(folder / "inbox")}, "files": files}
    address = {"url": url + ("/soap" if kind == "soap" else "")}
    return {**document, "connection": address, **({"soap": {"namespace": "urn:x"}} if kind == "soap" else {})}


@pytest.mark.parametrize("kind", OPERATIONS)
async def test_a_connector_passes(kind: str, office: str, tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump(written(kind, tmp_path, office), allow_unicode=True))
    results = await check_behaviour(manifest.load(tmp_path / "adapter.yaml"), CONTRACT, allow_writes=False)
    assert [result for result in results if not result.passed] == []
    assert any(result.what == "the example" for result in results)
