"""Whatever raises in a gateway, its log says in which file, at which line and in which function, and holds no value of a document."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lgsp_gateway.faces.rest.calls import RestCalls
from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.server import HttpServer
from lgsp_runtime.background import Background

PERSON = "022093001234"
HERE = "faults/test_errors_are_located.py"


def located(line: EventDict, function: str) -> bool:
    """Does a log line name a line of this file in this function, and no value?"""
    assert PERSON not in repr(line)
    return any(frame.split(":")[0].endswith(HERE) and frame.endswith(f" {function}") for frame in line["frames"])


class _BrokenPipeline:
    async def call(self, _: Any) -> Any:
        return self._send(PERSON)

    def _send(self, number: str) -> int:
        try:
            return int(f"{number} is no number")
        except ValueError as error:
            raise KeyError(number) from error


async def _broken_handler(_: web.Request) -> web.Response:
    raise ValueError(PERSON)


@pytest.fixture(params=[True, False], ids=["fast path", "no fast path"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    app = HttpServer.application()
    app.router.add_get("/broken", _broken_handler)
    face = RestCalls(_BrokenPipeline(), lambda: False)  # type: ignore[arg-type]
    server = HttpServer(face, app, lambda: False, ConnectionLimits(), fast_path=request.param)
    port = await server.open("127.0.0.1", 0, None, share_port=False)
    yield f"http://127.0.0.1:{port}"
    await server.close()


async def test_a_call(address: str) -> None:
    with capture_logs() as logged:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{address}/services/desk/v1/read", json={"soDinhDanh": PERSON}) as answer,
        ):
            problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["code"]) == (500, "internal-error")
    assert PERSON not in str(problem)
    [line] = [line for line in logged if line["event"] == "internal error"]
    assert line["message"] == answer.headers["Lgsp-Message-Id"]
    assert located(line, "_send")
    assert "ValueError" in line["frames"], "the cause is told too"


async def test_the_api(address: str) -> None:
    with capture_logs() as logged:
        async with aiohttp.ClientSession() as session, session.get(f"{address}/broken") as answer:
            problem = await answer.json(content_type="application/problem+json")
    assert problem["code"] == "internal-error"
    [line] = [line for line in logged if line["event"] == "internal error"]
    assert line["message"] == answer.headers["Lgsp-Message-Id"]
    assert located(line, "_broken_handler")


async def test_a_background_task() -> None:
    tried = asyncio.Event()

    async def _broken_task() -> None:
        tried.set()
        raise ValueError(PERSON)

    with capture_logs() as logged:
        async with Background() as background, asyncio.timeout(20):
            background.run_every("broken", 0.05, _broken_task, within=None)
            await tried.wait()
            while not any("frames" in line for line in logged):
                await asyncio.sleep(0.01)
    line = next(line for line in logged if "frames" in line)
    assert located(line, "_broken_task")
