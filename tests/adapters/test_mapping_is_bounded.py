"""One call's mapping, however much there is to map, holds up no other call and ends."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from support.adapters import opened
from support.national import call
from support.upstreams import served
from support.workbench import CONTRACTS

from lgsp_adapters.adapter import Adapter, UnfitRequest, UpstreamFailed
from lgsp_contracts.contract import Contract

READ = CONTRACTS[0]["operations"]["read"]  # type: ignore[index]
OPEN = Contract.from_document(
    {
        **CONTRACTS[0],
        "operations": {"read": {**READ, "request": {"type": "object"}, "response": {"type": "object"}}},
    }
)
"""A contract that lets everything pass."""

MANY = [{"ma": f"m{number}", "ten": "Nguyễn Văn An"} for number in range(3000)]
JOINED = {"$each": "answer.ma || `[]`", "$as": "answer.hang[?ma=='m2999'] | [0].ten"}
"""As many comparisons as the product of both lists."""
COUNTED = {"$each": "answer.hang || `[]`", "$as": "length(answer.hang)"}


async def saying_much(request: web.Request) -> web.Response:
    """A little, a lot as JSON, or a lot as XML."""
    asked = request.path.strip("/")
    if asked == "xml":
        items = "".join(f'<p id="{number}"><ten>An</ten></p>' for number in range(20_000))
        return web.Response(text=f"<r>{items}<ketQua>KHOP</ketQua></r>", content_type="application/xml")
    said: dict[str, Any] = {"ketQua": "KHOP"}
    if asked == "json":
        said = {"ma": [f"m{number}" for number in range(2900, 3000)], "hang": MANY}
    return web.json_response(said)


async def ask(adapter: Adapter, which: str, **more: Any) -> Any:
    method = adapter.method("read")
    assert method
    return await method({"soDinhDanh": which, **more}, call(60))


@pytest.mark.parametrize("which", ["json", "xml"])
async def test_others_are_answered_meanwhile(which: str) -> None:
    told = {"read": {"path": "/{request.soDinhDanh}", "answer": {"ketQua": "answer.ketQua", "ten": JOINED}}}
    async with served(saying_much) as url, opened("http", url, contract=OPEN, operations=told) as adapter:
        long = asyncio.create_task(ask(adapter, which))
        meanwhile = [await ask(adapter, "little") for _ in range(3)]
        async with asyncio.timeout(20):
            while not (long.done() or len(meanwhile) > 200):
                meanwhile.append(await ask(adapter, "little"))
        found = await long
    assert len(meanwhile) > 10
    assert all(one == {"ketQua": "KHOP", "ten": []} for one in meanwhile)
    assert found == ({"ketQua": "KHOP", "ten": []} if which == "xml" else {"ten": ["Nguyễn Văn An"] * 100})


async def test_an_answer_that_takes_too_long_to_map_is_given_up() -> None:
    told = {"read": {"path": "/json", "answer": {"so": COUNTED}}}
    async with served(saying_much) as url, opened("http", url, contract=OPEN, operations=told) as adapter:
        with pytest.raises(UpstreamFailed, match="more than 3000000 steps"):
            await ask(adapter, "-")


async def test_a_request_that_takes_too_long_to_map_is_not_sent() -> None:
    asked: list[str] = []

    async def note(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({})

    body = {"so": {"$each": "request.ma", "$as": "length(request.ma)"}}
    told = {"read": {"path": "/", "body": body, "answer": {"ketQua": "answer.ketQua"}}}
    async with served(note) as url, opened("http", url, contract=OPEN, operations=told) as adapter:
        with pytest.raises(UnfitRequest, match="more than 3000000 steps"):
            await ask(adapter, "-", ma=["a"] * 2000)
    assert not asked


@pytest.mark.parametrize(
    "expression",
    [
        "replace(request.hoVaTen, 'a', request.hoVaTen)",
        "join(request.hoVaTen, request.ds)",
        "pad_left(request.soDinhDanh, `100000000`, '0')",
    ],
)
async def test_no_function_makes_a_text_larger_than_any_answer(expression: str) -> None:
    told = {"read": {"path": "/", "body": {"a": expression}, "answer": {"ketQua": "answer.ketQua"}}}
    async with served(saying_much) as url, opened("http", url, contract=OPEN, operations=told) as adapter:
        with pytest.raises(UnfitRequest, match="more than 4194304 characters"):
            await ask(adapter, "-", hoVaTen="a" * 3000, ds=["b"] * 2000)
