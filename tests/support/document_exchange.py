"""The exchange of e-documents in the process of a test: its store on disk, the axis on a real socket, and what it published."""

import base64
import json
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from lgsp_adapters.adapter import (
    BusFiles,
    Call,
    Document,
    EventPublisher,
    FileFacts,
    FileRefused,
    PublicationRefused,
    UpstreamFailed,
    method_of,
)
from lgsp_adapters.document_exchange.axis_client import AxisClient
from lgsp_adapters.document_exchange.calls import own_call
from lgsp_adapters.document_exchange.exchange import DocumentExchange
from lgsp_adapters.sandbox.document_axis import DocumentAxisServer
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.wire import Context
from lgsp_runtime.security_events import SecurityLog
from support.shipped import shipped_catalogue

CONTRACT = shipped_catalogue()["documents", 1]
CREDENTIALS = {"system": "H49-lgsp", "secret": "khóa chung"}
AGENCIES = {"H49.21": "Sở Tài chính", "H49.31": "Sở Y tế", "H49.35": "Sở Văn hóa"}
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
FINANCE, HEALTH = "H49.21", "H49.31"


class PublishedEvents(EventPublisher):
    """Takes events as the bus does: checked against the contract, each id once."""

    def __init__(self) -> None:
        self.events: dict[str, tuple[str, Document]] = {}
        self.repeated = 0
        self.refused: set[str] = set()
        """Agencies whose events the bus refuses."""

    async def publish(self, event: str, data: Any, *, id: str, time: Any = None, traceparent: str = "") -> str:  # noqa: A002
        """Take an event."""
        CONTRACT.events[event].check_data(json.dumps(data).encode())
        if data.get("coQuanNhan") in self.refused:
            raise PublicationRefused("forbidden", "bị từ chối", "it is refused")
        self.repeated += id in self.events
        self.events[id] = (event, data)
        return id

    def of(self, event: str) -> list[Document]:
        """Return the data of the events of a name."""
        return [data for name, data in self.events.values() if name == event]


class KeptFiles(BusFiles):
    """Files in memory."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.facts: dict[str, FileFacts] = {}

    async def describe(self, reference: str, call: Call) -> FileFacts:
        """Return name, type and size."""
        if reference not in self.facts:
            raise UpstreamFailed("refused", "not-found")
        return self.facts[reference]

    async def read(self, reference: str, call: Call) -> bytes:
        """Return a file."""
        return self.contents[reference]

    async def write(self, content: bytes, name: str, media_type: str, call: Call) -> str:
        """Keep a file, unless the bus would refuse it."""
        if content.startswith(b"MZ") or (name.endswith(".pdf") and not content.startswith(b"%PDF-")):
            raise FileRefused("POST /files: HTTP 422 file-refused")
        reference = f"/files/{uuid.uuid4()}"
        self.contents[reference] = content
        self.facts[reference] = FileFacts(name, media_type, len(content))
        return reference


class Axis:
    """The axis, on a real socket.

    Args:
        folder: of its database.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def start(self) -> "Axis":
        """Serve."""
        app = DocumentAxisServer(
            self._folder, {"systemid": CREDENTIALS["system"], "secret": CREDENTIALS["secret"]}
        ).app()
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession(self.url)
        return self

    async def stop(self) -> None:
        """Stop."""
        await self._session.close()
        await self._runner.cleanup()

    async def bring(self, content: bytes, **parameters: str) -> str:
        """Have an agency outside the province send a message."""
        async with self._session.post("/_sandbox/documents", data=content, params=parameters) as answer:
            return str((await answer.json())["DocId"])

    async def kept(self) -> list[dict[str, Any]]:
        """Return what the axis keeps."""
        async with self._session.get("/_sandbox/documents") as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def content(self, identifier: str) -> bytes:
        """Return the content of a message."""
        async with self._session.get("/_sandbox/documents", params={"content": identifier}) as answer:
            return await answer.read()

    async def knows(self, agency: str) -> bool:
        """Tell whether an agency is registered."""
        client = AxisClient(self.url, **CREDENTIALS)
        await client.open()
        try:
            return agency in {row["code"] for row in await client.agencies(own_call())}
        finally:
            await client.close()

    async def fail(self, **faults: Any) -> None:
        """Have it fail, or behave again."""
        async with self._session.post("/_sandbox/faults", json=faults) as answer:
            assert answer.status == 200


class Exchange:
    """The exchange with what stands around it."""

    def __init__(self, adapter: DocumentExchange, events: PublishedEvents, files: KeptFiles) -> None:
        self.adapter = adapter
        self.events = events
        self.files = files
        self._sources = adapter.event_sources()

    async def ask(self, operation: str, request: Document, agency: str = FINANCE, key: str = "") -> Document:
        """Call an operation as a system of an agency; request and answer are held against the contract."""
        contract = CONTRACT.operations[operation]
        assert contract.request.violations(request) == []
        context = Context("0190", f"system-of-{agency}", agency, "", "1.0.0", int((time.time() + 10) * 1000), "", key)
        answer = await method_of(self.adapter, operation, SourceLocation("test"))(request, Call(context))
        assert contract.response.violations(answer) == []
        return answer

    async def look(self, event: str = "document-received") -> int:
        """Look once at what waits on the axis, publish it and tell the axis, as the host does; return how much was accepted."""
        source = self._sources[event]
        read = await source.read(None)
        accepted = []
        for occurrence in read.occurrences:
            try:
                await self.adapter.publish(event, occurrence.data, id=occurrence.id, time=occurrence.time)
            except PublicationRefused:
                continue
            await source.acknowledge(occurrence)
            accepted.append(occurrence.id)
        await source.settled(accepted)
        return len(accepted)


@asynccontextmanager
async def exchange(
    folder: Path,
    axis: Axis | None,
    events: PublishedEvents,
    files: KeptFiles,
    security: str = "",
    database: str = "",
) -> AsyncIterator[Exchange]:
    """The exchange, open; another one in the same folder goes on with its store."""
    key = folder / "key"
    if not key.exists():
        key.write_text(base64.b64encode(os.urandom(32)).decode())
    connection: dict[str, Any] = {
        "database": database or f"sqlite:///{folder}/documents.db",
        "key": key.read_text(),
        "local": "H49",
    }
    if axis:
        connection |= {
            "url": axis.url,
            "systemid": CREDENTIALS["system"],
            "secret": CREDENTIALS["secret"],
            "agencies": AGENCIES,
        }
    adapter = DocumentExchange(connection)
    adapter.publish_events_with(events)
    adapter.use_files(files)
    log = SecurityLog(security, "test")
    adapter.security = log
    await adapter.open()
    try:
        yield Exchange(adapter, events, files)
    finally:
        await adapter.close()
        await adapter.background.stop()
        log.stop()


def document(*receivers: str, sender: str = FINANCE, **more: Any) -> Document:
    """Return a document to send, with an id of its own."""
    return {
        "maTaiLieu": str(uuid.uuid4()),
        "noiGui": {"maDinhDanh": sender, "tenCoQuan": AGENCIES.get(sender, sender)},
        "noiNhan": [{"maDinhDanh": code} for code in receivers],
        "soVanBan": "12",
        "kyHieu": "STC-VP",
        "ngayBanHanh": "2026-11-27",
        "trichYeu": "V/v lập dự toán năm 2027",
        **more,
    }
