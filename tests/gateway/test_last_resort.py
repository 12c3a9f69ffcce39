"""What raised what nobody expected: the caller gets an id, the log has the place under that id, and nothing of the data."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_gateway.http.server import HttpServer

NUMBER = "022093001234"


class NoCalls:
    """A gateway that serves none."""

    async def answer(self, *_: object) -> RawResponse:
        raise AssertionError

    async def handle(self, _: web.Request) -> web.StreamResponse:
        raise AssertionError

    def may_come_again(self, _: object) -> bool:
        raise AssertionError


def _open_the_register(number: str) -> int:
    return int(f"{number} is no number")


async def _raises(_: web.Request) -> web.Response:
    try:
        _open_the_register(NUMBER)
    except ValueError as error:
        raise KeyError(NUMBER) from error
    return web.Response()


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"the first part")
    raise KeyError(NUMBER)


async def _waits_too_long(_: web.Request) -> web.Response:
    async with asyncio.timeout(0):
        await asyncio.sleep(1)
    return web.Response()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    app = HttpServer.application()
    app.router.add_get("/raises", _raises)
    app.router.add_get("/breaks-off", _breaks_off)
    app.router.add_get("/waits-too-long", _waits_too_long)
    server = HttpServer(NoCalls(), app, lambda: False, ConnectionLimits())  # type: ignore[arg-type]
    port = await server.open("127.0.0.1", 0, None, share_port=False)
    yield f"http://127.0.0.1:{port}"
    await server.close()


async def test_the_log_names_the_place_under_the_id_that_the_caller_gets(address: str) -> None:
    with capture_logs() as lines:
        async with aiohttp.ClientSession() as session, session.get(f"{address}/raises") as answer:
            problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["code"]) == (500, "internal-error")
    message = problem["instance"].removeprefix("urn:uuid:")
    assert message
    assert message in problem["detail"]
    [line] = [line for line in lines if line["event"] == "internal error"]
    assert line["message"] == message
    assert line["error"] == "KeyError"
    assert any(
        "tests/gateway/test_last_resort.py:" in one and one.endswith(" _open_the_register") for one in line["frames"]
    )
    assert NUMBER not in str(line)
    assert NUMBER not in str(problem)


async def test_a_wait_that_ended_is_no_silence(address: str) -> None:
    with capture_logs() as lines:
        async with aiohttp.ClientSession() as session, session.get(f"{address}/waits-too-long") as answer:
            problem = await answer.json(content_type="application/problem+json")
    assert problem["code"] == "internal-error"
    assert [line["error"] for line in lines if line["event"] == "internal error"] == ["TimeoutError"]


async def test_an_answer_that_has_begun_breaks_off_and_no_second_one_follows(address: str) -> None:
    with capture_logs() as lines:
        async with aiohttp.ClientSession() as session, session.get(f"{address}/breaks-off") as answer:
            assert await answer.content.readexactly(14) == b"the first part"
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
    assert [line["error"] for line in lines if line["event"] == "internal error"] == ["KeyError"]
