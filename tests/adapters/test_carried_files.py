"""Files of the bus in requests to a system and made of its answers, over a real gateway."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import BodyPartReader, MultipartReader, web
from support.adapters import CONTRACT, opened
from support.filings import Filings, pdf
from support.http_page import example
from support.upstreams import served
from support.waits import SECONDS

from lgsp_adapters.adapter import Adapter, Call, Document, UnfitRequest
from lgsp_adapters.host.bus_files import GatewayFiles
from lgsp_adapters.host.identity import SystemIdentity
from lgsp_contracts.wire import Context
from lgsp_problems import Refusal

CONTENT = pdf(3 * 1024 * 1024 + 5)
NAME = "đơn xin cấp.pdf"


@pytest_asyncio.fixture(scope="module")
async def filings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filings]:
    bench = Filings(tmp_path_factory.mktemp("filings"))
    await bench.start()
    yield bench
    await bench.stop()


@asynccontextmanager
async def with_files(filings: Filings, folder: Path, kind: str, url: str, **told: Any) -> AsyncIterator[Adapter]:
    """An adapter of the provider's system that has the files of the bus."""
    key = folder / "provider.pem"
    key.write_bytes(filings.keys["provider"].to_pem())
    identity = SystemIdentity(f"http://127.0.0.1:{filings.port}", "provider", key)
    async with opened(kind, url, **told) as adapter:
        adapter.use_files(GatewayFiles(identity, lambda: filings.token("provider")))
        yield adapter


async def ask(adapter: Adapter, **request: Any) -> Document:
    context = Context("01a2", "alpha", "H49.1", "thu-nghiem", "1.0.0", int((time.time() + 15) * 1000), "")
    method = adapter.method("read")
    assert method
    return await method(request, Call(context))


async def uploaded(filings: Filings, content: bytes = CONTENT) -> str:
    got = await filings.upload(content, name=NAME, system="provider")
    assert got.status == 201, got.body
    return str(got.json["href"])


async def read(filings: Filings, reference: str) -> tuple[bytes, str]:
    got = await filings.ask("GET", reference, headers=filings.authorized("provider"))
    return got.body, got.headers["Content-Type"]


async def pieces(part: BodyPartReader | MultipartReader) -> AsyncIterator[bytes]:
    assert isinstance(part, BodyPartReader)
    async with asyncio.timeout(SECONDS):
        while piece := await part.read_chunk(256 * 1024):
            yield piece


class System:
    """A system that takes a body of any kind, and gives back what it is told to."""

    def __init__(self) -> None:
        self.parts: list[tuple[str | None, str | None, str | None, bytes]] = []
        self.body = b""
        self.headers: dict[str, str] = {}
        self.answer: Callable[[], web.Response] = lambda: web.json_response({"docId": "d-1"})

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.headers = dict(request.headers)
        if request.content_type.startswith("multipart/"):
            async for part in await request.multipart():
                content = b"".join([piece async for piece in pieces(part)])
                self.parts.append((part.name, part.filename, part.headers.get("Content-Type"), content))
        else:
            self.body = await request.content.read()
        return self.answer()


def chunked() -> web.Response:
    response = web.Response(body=CONTENT, content_type="application/pdf")
    response.enable_chunked_encoding()
    return response


def http(**operation: Any) -> dict[str, Any]:
    return {"operations": {"read": {"path": "/", "answer": {"ketQua": "answer.docId"}, **operation}}}


async def test_a_file_is_a_part_of_a_form_a_body_or_a_field(filings: Filings, tmp_path: Path) -> None:
    reference, small = await uploaded(filings), await uploaded(filings, pdf(999))
    system = System()
    form = {"read": example("Files of the bus")}
    async with served(system.take) as url:
        async with with_files(filings, tmp_path, "http", url, operations=form) as adapter:
            assert await ask(adapter, tep=reference) == {"ketQua": "d-1"}
            assert system.parts == [
                ("messagetype", None, None, b"edoc"),
                ("edocFile", NAME, "application/pdf", CONTENT),
            ]
            assert int(system.headers["Content-Length"]) > len(CONTENT)
            system.parts.clear()
            await ask(adapter, tep=[reference, small])
            assert [(name, len(content)) for name, _, _, content in system.parts[1:]] == [
                ("edocFile", len(CONTENT)),
                ("edocFile", 999),
            ]
            with pytest.raises(UnfitRequest, match="not the reference of a file"):
                await ask(adapter, tep="abc")
        raw = {"content": "request.tep", "type": "application/pdf", "encoding": "file"}
        async with with_files(filings, tmp_path, "http", url, **http(raw=raw)) as adapter:
            await ask(adapter, tep=reference)
            assert system.body == CONTENT
            assert system.headers["Content-Type"] == "application/pdf"
        fetched = {"read": example("Files of the bus", 1)}
        async with with_files(filings, tmp_path, "http", url, operations=fetched) as adapter:
            await ask(adapter, tep=small)
            assert json.loads(system.body) == {"tenTep": NAME, "noiDung": base64.b64encode(pdf(999)).decode()}
            await ask(adapter)
            assert "noiDung" not in json.loads(system.body)


async def test_a_file_is_made_of_an_answer(filings: Filings, tmp_path: Path) -> None:
    system = System()
    async with served(system.take) as url:
        as_file = http(response={"as": "file", "types": ["application/pdf"]}, answer={"ketQua": "answer.file"})
        disposition = {"Content-Disposition": 'attachment; filename="ket-qua.pdf"'}
        async with with_files(filings, tmp_path, "http", url, **as_file) as adapter:
            system.answer = lambda: web.Response(body=CONTENT, content_type="application/pdf", headers=disposition)
            reference = (await ask(adapter))["ketQua"]
            assert await read(filings, reference) == (CONTENT, "application/pdf")
            described = await filings.ask("GET", f"{reference}/metadata", headers=filings.authorized("provider"))
            assert described.json["name"] == "ket-qua.pdf"
            system.answer = chunked
            assert await read(filings, (await ask(adapter))["ketQua"]) == (CONTENT, "application/pdf")
        of_field = {"read": example("Files of the bus", 2)}
        async with with_files(filings, tmp_path, "http", url, operations=of_field) as adapter:
            encoded = base64.b64encode(CONTENT).decode()
            system.answer = lambda: web.json_response({"pdf": encoded, "tenTep": "ket-qua.pdf"})
            reference = (await ask(adapter, soDinhDanh="1"))["ketQua"]
            assert await read(filings, reference) == (CONTENT, "application/pdf")
            system.answer = lambda: web.json_response({"pdf": None})
            assert "ketQua" not in await ask(adapter, soDinhDanh="1")


async def test_a_file_is_a_field_of_soap(filings: Filings, tmp_path: Path) -> None:
    reference = await uploaded(filings, pdf(999))
    system = System()
    answer = base64.b64encode(pdf(500)).decode()
    soap = {
        "soap": {"namespace": "http://tempuri.org/"},
        "operations": {
            "read": {
                "element": "Nop",
                "files": {"don": "request.tep"},
                "fields": {"tep": "files.don.content", "ten": "files.don.name"},
                "answer-files": {"bn": {"content": "answer.BienNhan", "name": "'bn.pdf'", "type": "application/pdf"}},
                "answer": {"ketQua": "stored.bn"},
            }
        },
    }
    async with served(system.take) as url, with_files(filings, tmp_path, "soap", url, **soap) as adapter:
        system.answer = lambda: web.Response(
            text='<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><NopResponse'
            f' xmlns="http://tempuri.org/"><BienNhan>{answer}</BienNhan></NopResponse></s:Body></s:Envelope>',
            content_type="text/xml",
        )
        made = (await ask(adapter, tep=reference))["ketQua"]
        assert base64.b64encode(pdf(999)) in system.body
        assert await read(filings, made) == (pdf(500), "application/pdf")


async def test_what_cannot_carry_a_file_is_refused(filings: Filings, tmp_path: Path) -> None:
    raw = {"content": "request.tep", "type": "application/pdf", "encoding": "file"}
    signed = http(raw=raw, headers={"X-Signature": "hmac(sent.body, connection.secret)"})
    with pytest.raises(Refusal, match="signed"):
        async with opened("http", "http://127.0.0.1:1", contract=CONTRACT, **signed):
            pass
    async with opened("http", "http://127.0.0.1:1", **http(raw=raw)) as adapter:
        with pytest.raises(UnfitRequest, match="lgsp adapter run"):
            await ask(adapter, tep="/files/01a2b3c4-0000-7000-8000-00000000abcd")
