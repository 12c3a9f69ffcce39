"""The HTTP server: what is not a call, what is not HTTP, and what watches it."""

import asyncio
import gzip

import pytest
from support.workbench import Workbench


async def exchange(bus: Workbench, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(65536), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 022093001234\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_a_problem_document(bus: Workbench, request_bytes: bytes) -> None:
    answer = await exchange(bus, request_bytes)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"application/problem+json" in answer
    assert b"urn:lgsp:problem:malformed" in answer
    assert b"022093001234" not in answer
    assert b"022093001234" not in bus.gateway.log.read_bytes()


async def test_a_body_is_asked_for_only_when_the_caller_may_call(bus: Workbench) -> None:
    head = "POST /services/desk/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n"
    head += "Expect: 100-continue\r\n"
    refused = await exchange(bus, f"{head}\r\n".encode())
    assert refused.startswith(b"HTTP/1.1 401")
    invited = await exchange(bus, f"{head}Authorization: Bearer {bus.token('alpha')}\r\n\r\n".encode())
    assert invited.startswith(b"HTTP/1.1 100 Continue")


async def test_a_body_that_does_not_end_is_stopped_at_the_limit(bus: Workbench) -> None:
    async def endless():
        while True:
            yield b"a" * 65536

    got = await bus.call("read", headers={"Transfer-Encoding": ""}, allow_redirects=False)
    assert got.status in (200, 503)
    headers = {"Authorization": f"Bearer {bus.token('alpha')}", "Content-Type": "application/json"}
    try:
        async with bus.session.post("/services/desk/v1/read", data=endless(), headers=headers) as answer:
            assert answer.status == 413
    except (ConnectionError, OSError):
        pass  # the server closed while the client was still writing, before it could read the answer
    assert (await bus.call(system="gamma")).status == 403


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(b'{"soDinhDanh": "022093001234"}'), 503),
        ("gzip", gzip.compress(b" " * 50_000_000), 413),
        ("gzip", b"not gzip at all", 400),
        ("gzip", gzip.compress(b'{"soDinhDanh": "022093001234"}')[:20], 400),
        ("deflate", b"\x00\xff", 400),
    ],
    ids=["good", "bomb", "wrong", "cut", "deflate"],
)
async def test_compressed_bodies(bus: Workbench, encoding: str, body: bytes, status: int) -> None:
    got = await bus.call("read", body, headers={"Content-Encoding": encoding})
    assert got.status == status
    assert got.headers["Content-Type"] == "application/problem+json"


async def test_a_body_that_never_comes_is_given_up(bus: Workbench) -> None:
    head = "POST /services/desk/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(f"{head}Authorization: Bearer {bus.token('alpha')}\r\n\r\n{{".encode())
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Connection: close" in answer


async def test_unknown_paths_and_methods(bus: Workbench) -> None:
    for method, path, status, code in (
        ("GET", "/nope", 404, "not-found"),
        ("GET", "/oauth2/token", 405, "method-not-allowed"),
        ("POST", "/livez", 405, "method-not-allowed"),
        ("GET", "/%00", 404, "not-found"),
    ):
        async with bus.session.request(method, path) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (status, code)


async def test_health_and_metrics(bus: Workbench) -> None:
    for path, text in (("/livez", "ok"), ("/readyz", "[+] nats ok"), ("/metrics", "# HELP lgsp_calls_total")):
        async with bus.session.get(path) as answer:
            assert answer.status == 200
            assert text in await answer.text()
