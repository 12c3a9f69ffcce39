"""Lists in pages, as each kind of system hands them out; the manifests are those of the page about HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from support.http_page import example
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.http.link_header import next_link
from lgsp_problems import Refusal

PEOPLE = [{"name": name} for name in ("An", "Bình", "Chi", "Dung", "Em")]
ALL = {"ketQua": "An Bình Chi Dung Em"}


class Register:
    """A system with five people, two on each page."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.elsewhere = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        return await getattr(self, f"_{request.match_info['path'].replace('/', '_')}", self._people)(request)

    async def _people(self, request: web.Request) -> web.Response:
        query = request.query
        if "offset" in query or "limit" in query:
            start = int(query.get("offset", 0))
            return web.json_response(PEOPLE[start : start + 2], headers={"X-Total-Count": "5"})
        number = int(query.get("page", 1))
        rows = PEOPLE[2 * number - 2 : 2 * number]
        return web.json_response({"data": rows, "totalPages": 3})

    async def _people_search(self, request: web.Request) -> web.Response:
        start = int((await request.json()).get("cursor", "c0")[1:])
        more = {"nextCursor": f"c{start + 2}"} if start + 2 < len(PEOPLE) else {}
        return web.json_response({"data": PEOPLE[start : start + 2], **more})

    async def _odata(self, request: web.Request) -> web.Response:
        start = int(request.query.get("$skip", 0))
        link = f"{self.elsewhere}/odata?$skip={start + 2}&ten=A%2FB"
        more = {"@odata.nextLink": link} if start + 2 < len(PEOPLE) else {}
        return web.json_response({"value": PEOPLE[start : start + 2], **more})

    async def _linked(self, request: web.Request) -> web.Response:
        start = int(request.query.get("from", 0))
        links = [f'</linked?from=0>; rel="first prev", </linked?from={start + 2},x>; title="a, b"; rel="next last"']
        headers = {"Link": links[0]} if start + 2 < len(PEOPLE) else {}
        return web.json_response(PEOPLE[start : start + 2], headers=headers)

    async def _broken(self, request: web.Request) -> web.Response:
        number = int(request.query["page"])
        return web.json_response({"data": PEOPLE[:2]} if number == 1 else {"error": "BUSY"})

    async def _error(self, request: web.Request) -> web.Response:
        """Answer an error in a 200, from the page that is named in `good` on."""
        if int(request.query["page"]) < int(request.query.get("good", 1)):
            return await self._people(request)
        return web.json_response({"maLoi": "BAO_TRI"})

    async def _ignorant(self, _: web.Request) -> web.Response:
        return web.json_response({"data": PEOPLE[:2], "total": 5, "totalPages": 3})

    async def _changing(self, request: web.Request) -> web.Response:
        number = int(request.query["page"])
        data = PEOPLE[2 * number - 2 : 2 * number]
        return web.json_response({"data": data, "total": 6 - number, "totalPages": 4 - number, "fixed": 3, "few": 1})

    async def _zero(self, request: web.Request) -> web.Response:
        number = int(request.query["page"])
        return web.json_response({"data": PEOPLE[2 * number : 2 * number + 2], "totalPages": 3, "last": 2})

    async def _absent(self, request: web.Request) -> web.Response:
        number = int(request.query["page"])
        if number > 3:
            return web.json_response([], status=int(request.query.get("status", 200)))
        return web.json_response(PEOPLE[2 * number - 2 : 2 * number])

    async def _nobody(self, _: web.Request) -> web.Response:
        return web.json_response({"total": 0})

    async def _circle(self, request: web.Request) -> web.Response:
        query = request.query
        return web.json_response({"data": PEOPLE[1:2] if query else PEOPLE[:1], "nextCursor": "same"})


@pytest.fixture
async def register() -> AsyncIterator[tuple[Register, str]]:
    system = Register()
    async with served(system.answer) as url:
        yield system, url


Asked = tuple[Register, str]


@pytest.mark.parametrize("heading", ["Numbered pages", "Offsets", "Cursors"])
async def test_the_examples_of_the_page(register: Asked, heading: str) -> None:
    system, url = register
    async with opened("http", url, operations={"read": example(heading)}) as adapter:
        assert await ask(adapter) == ALL
    assert len(system.requests) == 3


@pytest.mark.parametrize(
    "end",
    [
        {},
        {"size": 2},
        {"total": "`5`"},
    ],
    ids=["an empty page", "a short page", "the total"],
)
async def test_pages_that_do_not_say_which_they_are(register: Asked, end: dict[str, Any]) -> None:
    system, url = register
    operation = {**example("Numbered pages"), "pages": {"items": "answer.data", "number": {"parameter": "page", **end}}}
    async with opened("http", url, operations={"read": operation}) as adapter:
        assert await ask(adapter) == ALL
    assert len(system.requests) == (3 if end else 4)


async def test_until_ends_a_list(register: Asked) -> None:
    _, url = register
    pages = {"items": "answer.data", "number": {"parameter": "page"}, "until": "page == `2`"}
    async with opened("http", url, operations={"read": {**example("Numbered pages"), "pages": pages}}) as adapter:
        assert await ask(adapter) == {"ketQua": "An Bình Chi Dung"}


async def test_the_next_address_in_the_body_is_followed_on_the_same_host_alone(register: Asked) -> None:
    system, url = register
    operation = {**example("Addresses in the body"), "path": "/odata"}
    other = Register()
    async with opened("http", url, operations={"read": operation}) as adapter:
        assert await ask(adapter) == ALL
        assert system.requests[1] == "/odata?$skip=2&ten=A%2FB"
        async with served(other.answer) as elsewhere:
            for address in (
                elsewhere,
                "http://localhost:1",
                "https://127.0.0.1:1",
                "file:///etc",
                "http://[",
                "//evil",
            ):
                system.elsewhere = address
                with pytest.raises(UpstreamFailed) as failed:
                    await ask(adapter)
                assert failed.value.why in ("broken", "unintelligible"), address
                assert "next page" in failed.value.private
            user = url.replace("http://", "http://user:secret@")
            system.elsewhere = user
            with pytest.raises(UpstreamFailed, match=r"pages\.hosts"):
                await ask(adapter)
            assert not other.requests
            system.elsewhere = elsewhere
            operation["pages"]["hosts"] = [elsewhere]
            async with opened("http", url, operations={"read": operation}) as trusting:
                assert await ask(trusting) == ALL
            assert len(other.requests) == 2


async def test_link_headers(register: Asked) -> None:
    system, url = register
    operation = {**example("Link headers"), "path": "/linked"}
    system.elsewhere = url
    async with opened("http", url, operations={"read": operation}) as adapter:
        with pytest.raises(UpstreamFailed):  # the system cannot read `from=2,x`
            await ask(adapter)
    assert system.requests[1] == "/linked?from=2,x"


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a.vn/p?page=2>; rel="next"', "https://a.vn/p?page=2"),
        ('<b>; rel=prev, <c>; rel=next; title="x, <y>; rel=next"', "c"),
        ("<a,b;c>; rel=next", "a,b;c"),
        ('<a>; REL="first NEXT"', "a"),
        ('<a>; rel=prev; rel=next, <b>; rel="nextish"', None),
        ("<a>", None),
        ("<a>; rel=prev, ", None),
        ("", None),
    ],
)
def test_a_link_header(header: str, target: str | None) -> None:
    assert next_link({"link": header}) == target


@pytest.mark.parametrize("header", ["nonsense; rel=next", "<a>; rel=prev, b; rel=next", "<a>; rel=x, " * 1_000])
async def test_a_list_is_not_whole_where_the_link_header_cannot_be_read(header: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(PEOPLE[:2], headers=[("Link", header[:6_000]), ("Link", header[6_000:])])

    async with served(answer) as url, opened("http", url, operations={"read": example("Link headers")}) as adapter:
        with pytest.raises(UpstreamFailed, match="the header Link cannot be read"):
            await ask(adapter)


@pytest.mark.parametrize(
    ("path", "pages", "sentence"),
    [
        ("/people", {"number": {"parameter": "page", "pages": "`9`"}, "max": 2}, "more than 2 pages"),
        ("/circle", {"next": "answer.nextCursor", "parameter": "cursor"}, "names a page a second time"),
        ("/people", {"next": "answer", "parameter": "cursor"}, "neither a number nor a text"),
        ("/people", {"items": "answer.totalPages", "number": {}}, "are not a list"),
        ("/people", {"number": {"pages": "'many'"}}, "not a whole number"),
        ("/people", {"number": {"parameter": "page", "total": "`6`"}}, "end before all items have come"),
        ("/broken", {"number": {"parameter": "page"}}, "a page has no list of items"),
        ("/people", {"number": {"parameter": "page"}, "until": "'false'"}, "a text is neither true nor false"),
    ],
)
async def test_a_list_that_is_not_whole_is_no_answer(
    register: Asked, path: str, pages: dict[str, Any], sentence: str
) -> None:
    _, url = register
    operation = {"path": path, "pages": {"items": "answer.data", **pages}, "answer": {"ketQua": "items[0].name"}}
    async with opened("http", url, operations={"read": operation}) as adapter:
        with pytest.raises(UpstreamFailed, match=sentence):
            await ask(adapter)


@pytest.mark.parametrize(
    ("path", "pages", "sentence"),
    [
        ("/error", {"number": {}}, "no list of items"),
        ("/error?good=3", {"number": {}}, "no list of items"),
        ("/error?good=2", {"number": {"size": 2}}, "no list of items"),
        ("/ignorant", {"number": {}}, "the same items as the one before"),
        ("/ignorant", {"number": {"total": "answer.total"}}, "the same items as the one before"),
        ("/ignorant", {"number": {"pages": "answer.totalPages"}}, "the same items as the one before"),
        ("/ignorant", {"offset": {"parameter": "offset"}}, "the same items as the one before"),
        ("/ignorant", {"next": "page && `null` || `2`"}, "the same items as the one before"),
        ("/changing", {"number": {"total": "answer.total"}}, "the number changed"),
        ("/changing", {"number": {"pages": "answer.totalPages"}}, "the number changed"),
        ("/changing", {"number": {"total": "answer.few"}}, "more items have come"),
        ("/changing", {"number": {"pages": "answer.fixed", "total": "`6`"}}, "end before all items have come"),
        ("/zero", {"number": {"pages": "answer.totalPages"}}, "not as many pages"),
        ("/zero", {"number": {"pages": "`0`"}}, "not as many pages"),
    ],
)
async def test_pages_that_contradict_each_other_are_no_list(
    register: Asked, path: str, pages: dict[str, Any], sentence: str
) -> None:
    way = next(iter(pages))
    if way == "number":
        pages = {"number": {"parameter": "page", **pages["number"]}}
    path, _, good = path.partition("?good=")
    operation = {
        "path": path,
        "query": {"good": f"'{good}'"} if good else {},
        "pages": {"items": "answer.data", **pages},
        "answer": {"ketQua": "items[0].name"},
    }
    async with opened("http", register[1], operations={"read": operation}) as adapter:
        with pytest.raises(UpstreamFailed, match=sentence) as failed:
            await ask(adapter)
    assert failed.value.why in ("broken", "unintelligible")


async def test_an_empty_last_page_is_not_none(register: Asked) -> None:
    operation = {
        "path": "/absent",
        "query": {"ten": "request.soDinhDanh"},
        "pages": {"items": "answer", "number": {"parameter": "page"}},
        "none": "person-not-found",
        "answer": {"ketQua": "join(' ', items[].name)"},
    }
    async with opened("http", register[1], operations={"read": operation}) as adapter:
        assert await ask(adapter) == ALL
    operation["query"] = {"ten": "request.soDinhDanh", "status": "'404'"}
    async with opened("http", register[1], operations={"read": operation}) as adapter:
        with pytest.raises(UpstreamFailed, match="HTTP 404"):
            await ask(adapter)


async def test_a_list_that_is_left_out_when_it_is_empty(register: Asked) -> None:
    items = "answer.data || (answer.total == `0` && `[]`)"
    operation = {
        "path": "/nobody",
        "pages": {"items": items, "number": {"parameter": "page", "total": "answer.total"}},
        "answer": {"ketQua": "text(length(items))"},
    }
    async with opened("http", register[1], operations={"read": operation}) as adapter:
        assert await ask(adapter) == {"ketQua": "0"}
    operation = {**operation, "path": "/error"}
    async with opened("http", register[1], operations={"read": operation}) as adapter:
        with pytest.raises(UpstreamFailed, match="are not a list"):
            await ask(adapter)


async def test_an_error_in_the_middle_of_a_list(register: Asked) -> None:
    _, url = register
    operation = {
        "path": "/broken",
        "pages": {"items": "answer.data", "number": {"parameter": "page"}},
        "errors": [{"when": "answer.error", "failed": "broken", "note": "answer.error"}],
        "answer": {"ketQua": "items[0].name"},
    }
    async with opened("http", url, operations={"read": operation}) as adapter:
        with pytest.raises(UpstreamFailed, match="BUSY"):
            await ask(adapter)


@pytest.mark.parametrize("last", ["", '{"data": null}', '{"data": []}'])
async def test_an_empty_page_ends_a_list(last: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        rows = json.dumps({"data": PEOPLE})
        return web.Response(text=rows if request.query["page"] == "1" else last, content_type="application/json")

    pages = {"items": "several(answer.data)", "number": {"parameter": "page"}}
    operation = {"path": "/", "pages": pages, "answer": {"ketQua": "join(' ', items[].name)"}}
    async with served(answer) as url, opened("http", url, operations={"read": operation}) as adapter:
        assert await ask(adapter) == ALL


async def test_one_way_to_the_next_page_is_named(register: Asked) -> None:
    for ways in ({}, {"next": "answer.x", "link-header": True}):
        operation = {"path": "/", "pages": {"items": "answer", **ways}, "answer": {"ketQua": "items[0]"}}
        with pytest.raises(Refusal) as refused:
            async with opened("http", register[1], operations={"read": operation}):
                pass
        assert "name exactly one way to the next page" in refused.value.detail.en
