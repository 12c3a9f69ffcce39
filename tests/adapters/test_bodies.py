"""Files and forms out and in, before a server that reads them as any web framework does."""

import base64
from typing import Any

import pytest
from aiohttp import FormData, MultipartWriter, web
from support.http_page import example
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import Declared, UnfitRequest, UpstreamFailed
from lgsp_problems import Refusal

PDF = b"%PDF-1.7\r\n\x00\xff\xfe--boundary\r\n"
FILE = base64.b64encode(PDF).decode()


def http(**operation: Any) -> dict[str, Any]:
    return {"operations": {"read": {"path": "/", "answer": {"ketQua": "answer.docId"}, **operation}}}


class Store:
    """A system that takes files and gives them back."""

    def __init__(self) -> None:
        self.media_type = ""
        self.fields: list[tuple[str, str | None, str | None, bytes]] = []
        self.body = b""

    async def take(self, request: web.Request) -> web.Response:
        self.media_type = request.headers.get("Content-Type", "")
        if self.media_type.startswith("multipart/"):
            self.fields.clear()
            async for part in await request.multipart():
                self.fields.append(
                    (part.name or "", part.filename, part.headers.get("Content-Type"), bytes(await part.read()))
                )
        else:
            self.body = await request.read()
        return web.json_response({"docId": "d-1"})


async def test_files_in_a_form() -> None:
    store = Store()
    async with (
        served(store.take) as url,
        opened("http", url, operations={"read": example("Files in a form")}) as adapter,
    ):
        assert await ask(adapter, tep=FILE, tenTep='Đơn "1"\r\nX: y.pdf') == {"ketQua": "d-1"}
        assert store.fields[0] == ("messagetype", None, None, b"edoc")
        name, filename, media_type, content = store.fields[1]
        assert (name, media_type, content) == ("edocFile", "application/xml", PDF)
        assert filename in ('Đơn "1"\r\nX: y.pdf', "Đơn %221%22%0D%0AX: y.pdf")
        assert await ask(adapter, tep=FILE[:20] + "\n" + FILE[20:], tenTep="a") == {"ketQua": "d-1"}
        assert store.fields[1][3] == PDF
        with pytest.raises(UnfitRequest, match="not base64"):
            await ask(adapter, tep="không phải base64", tenTep="a")


async def test_bytes_and_a_form_in_their_media_types() -> None:
    store = Store()
    async with served(store.take) as url:
        async with opened("http", url, operations={"read": example("Bytes")}) as adapter:
            assert await ask(adapter, tep=FILE) == {"ketQua": "d-1"}
        assert (store.media_type, store.body) == ("application/pdf", PDF)
        text = {"content": "request.tep", "type": "application/xml; charset=utf-8", "encoding": "text"}
        async with opened("http", url, **http(raw=text)) as adapter:
            await ask(adapter, tep="<a>ế</a>")
        assert (store.media_type, store.body) == ("application/xml; charset=utf-8", "<a>ế</a>".encode())
        async with opened("http", url, **http(form={"ten": "request.ten", "x": "'a b&c'"})) as adapter:
            await ask(adapter, ten="Nguyễn")
        assert (store.media_type, store.body) == (
            "application/x-www-form-urlencoded",
            b"ten=Nguy%E1%BB%85n&x=a+b%26c",
        )
        own = {"content-type": "'application/vnd.api+json'"}
        async with opened("http", url, **http(body={"a": "`1`"}, headers=own)) as adapter:
            await ask(adapter)
        assert (store.media_type, store.body) == ("application/vnd.api+json", b'{"a":1}')


async def test_each_item_of_a_list_is_a_parameter_of_its_own() -> None:
    store, queries = Store(), list[str]()

    async def take(request: web.Request) -> web.Response:
        queries.append(request.path_qs)
        return await store.take(request)

    values = {"id": "request.ds", "x": "`1`"}
    async with served(take) as url:
        async with opened("http", url, **http(query=values)) as adapter:
            await ask(adapter, ds=["a b", "c", 3])
            await ask(adapter, ds=[])
        async with opened("http", url, **http(form=values)) as adapter:
            await ask(adapter, ds=["a b", "c"])
        async with opened("http", url, **http(multipart=values)) as adapter:
            await ask(adapter, ds=["a b", "c"])
    assert queries[:2] == ["/?id=a+b&id=c&id=3&x=1", "/?x=1"]
    assert store.body == b"id=a+b&id=c&x=1"
    assert [(name, content) for name, _, _, content in store.fields] == [("id", b"a b"), ("id", b"c"), ("x", b"1")]


async def test_a_request_has_one_body() -> None:
    with pytest.raises(Refusal, match="a request has one body; keep one of: body \\+ form"):
        async with opened("http", "http://127.0.0.1:1", **http(body={}, form={})):
            pass


async def test_a_file_in_a_response() -> None:
    said: dict[str, Any] = {"body": PDF, "content_type": "application/pdf"}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(**said)

    operation = example("Files in a response")
    async with served(answer) as url, opened("http", url, operations={"read": operation}) as adapter:
        assert await ask(adapter) == {"ketQua": FILE}
        said |= {"content_type": "text/html", "body": b"<p>Login</p>"}
        with pytest.raises(UpstreamFailed, match="HTTP 200: the media type is none of application/pdf"):
            await ask(adapter)
        said |= {"content_type": "application/pdf", "body": b""}
        with pytest.raises(Declared):
            await ask(adapter)
        said |= {"body": b"x" * 3_000_000}
        with pytest.raises(UpstreamFailed, match="more than 2900000 bytes"):
            await ask(adapter)
        said |= {"body": b'{"code": "x"}', "status": 500}
        with pytest.raises(UpstreamFailed, match="HTTP 500"):
            await ask(adapter)


@pytest.mark.parametrize("make", [FormData, MultipartWriter])
async def test_the_parts_of_a_response(make: Any) -> None:
    async def answer(_: web.Request) -> web.Response:
        if make is FormData:
            form = FormData(quote_fields=False)
            form.add_field("ten", "Nguyễn", content_type="text/plain; charset=utf-8")
            form.add_field("tep", PDF, filename="don.pdf", content_type="application/pdf")
            writer = form()
        else:
            writer = MultipartWriter("mixed")
            writer.append("Nguyễn", {"Content-Disposition": 'form-data; name="ten"'})
            writer.append(PDF, {"Content-Type": "application/pdf", "Content-ID": "<tep>"})
        return web.Response(body=writer, headers=writer.headers)

    told = http(
        response={"as": "multipart"},
        answer={"ketQua": "join(' ', [answer.ten, answer.tep.content, answer.tep.type, answer.tep.filename || '-'])"},
    )
    async with served(answer) as url, opened("http", url, **told) as adapter:
        name = "don.pdf" if make is FormData else "-"
        assert await ask(adapter) == {"ketQua": f"Nguyễn {FILE} application/pdf {name}"}


async def test_parts_in_parts_without_end_do_not_occupy_the_adapter() -> None:
    levels = "".join(f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(300))
    bodies = iter((levels, levels + "\n" * 3_500_000))

    async def answer(_: web.Request) -> web.Response:
        media_type = "multipart/mixed; boundary=b0"
        return web.Response(body=next(bodies).encode(), headers={"Content-Type": media_type})

    told = http(response={"as": "multipart"}, answer={"ketQua": "join(' ', keys(answer))"})
    async with served(answer) as url, opened("http", url, **told) as adapter:
        assert await ask(adapter) == {"ketQua": "8"}
        with pytest.raises(UpstreamFailed, match="takes more than"):
            await ask(adapter)


async def test_the_text_of_a_response() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="Khớp", content_type="text/plain")

    told = http(response={"as": "text"}, answer={"ketQua": "upper(answer)"})
    async with served(answer) as url, opened("http", url, **told) as adapter:
        assert await ask(adapter) == {"ketQua": "KHỚP"}
