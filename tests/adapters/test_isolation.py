"""Nothing of one call reaches the next: no cookie, no state of a connection, no answer that came for another question."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from support.national import call
from support.upstreams import ASKED, ask, opened, served
from support.waits import WORK_SECONDS

from lgsp_adapters.adapter import Call, UpstreamFailed, UpstreamLate
from lgsp_adapters.upstream import Upstream

HTTP = {"operations": {"read": {"path": "/{request.soDinhDanh}", "answer": {"ketQua": "answer.a"}}}}
ENVELOPE = (
    "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><r><a>KHOP</a></r></s:Body></s:Envelope>"
)
SOAP = {
    "soap": {"namespace": "urn:x"},
    "operations": {"read": {"element": "A", "fields": {"So": "request.soDinhDanh"}, "answer": {"ketQua": "answer.a"}}},
}


class Portal:
    """A system of the JSP kind: each answer sets a cookie that names the citizen who is looked at."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.logins = 0
        self.turned_away = 0
        self.status = 200
        self.soap = False

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request.headers.get("Cookie", ""))
        if request.path == "/login":
            self.logins += 1
            said = web.json_response({"token": "t"})
            said.set_cookie("SID", f"login-{self.logins}")
            said.set_cookie("VIEW", "of-the-login")
            return said
        if self.turned_away:
            self.turned_away -= 1
            said = web.Response(status=401)
        elif self.soap:
            said = web.Response(text=ENVELOPE, content_type="text/xml")
        else:
            said = web.json_response({"a": "KHOP"}, status=self.status, headers={"Location": "/elsewhere"})
        said.set_cookie("JSESSIONID", f"citizen-{len(self.seen)}", path="/")
        said.set_cookie("SID", "of-a-call")
        return said


@pytest.mark.parametrize("kind", ["http", "soap"])
async def test_a_cookie_that_one_call_was_given_goes_out_with_no_other(kind: str) -> None:
    portal = Portal()
    portal.soap = kind == "soap"
    told: dict[str, Any] = SOAP if portal.soap else HTTP
    async with served(portal.answer, host="localhost") as url, opened(kind, url, **told) as adapter:
        for number in ("1", "2"):
            assert await ask(adapter, soDinhDanh=number) == {"ketQua": "KHOP"}
        await asyncio.gather(*(ask(adapter, soDinhDanh=str(number)) for number in range(8)))
        portal.status = 302
        portal.soap = False
        with pytest.raises(UpstreamFailed):
            await ask(adapter)
        with pytest.raises(UpstreamFailed):
            await ask(adapter)
    assert portal.seen == [""] * 12  # nor was the redirect followed


async def test_nor_in_a_connector_of_ones_own() -> None:
    portal = Portal()
    async with served(portal.answer, host="localhost") as url:
        upstream = Upstream(url)
        for _ in range(2):
            await upstream.post_json("/", call(), {})
            await upstream.send("GET", "/", call())
        await upstream.close()
    assert portal.seen == [""] * 4


async def test_a_login_that_hands_out_a_token_leaves_no_cookie() -> None:
    portal = Portal()
    login = {"path": "/login", "method": "POST", "session": {"token": "answer.token"}}
    told = {**HTTP, "authentication": {"login": login}, "headers": {"X-Token": "session.token"}}
    async with served(portal.answer, host="localhost") as url, opened("http", url, **told) as adapter:
        await ask(adapter)
        portal.turned_away = 1
        await ask(adapter)
    assert portal.logins == 2
    assert portal.seen == [""] * 5


async def test_a_session_kept_in_cookies_is_the_logins_and_never_a_calls() -> None:
    portal = Portal()
    login = {"path": "/login", "method": "POST", "cookies": ["SID"]}
    told = {**HTTP, "authentication": {"login": login}, "headers": {"Cookie": "'lang=vi'"}}
    async with served(portal.answer, host="localhost") as url, opened("http", url, **told) as adapter:
        await asyncio.gather(*(ask(adapter, soDinhDanh=str(number)) for number in range(4)))
        assert portal.seen == [""] + ["lang=vi; SID=login-1"] * 4
        portal.seen.clear()
        portal.turned_away = 1
        await ask(adapter)
        assert portal.seen == ["lang=vi; SID=login-1", "", "lang=vi; SID=login-2"]


async def test_a_login_that_sets_no_such_cookie_is_no_login() -> None:
    portal = Portal()
    told = {**HTTP, "authentication": {"login": {"path": "/login", "method": "POST", "cookies": ["OTHER"]}}}
    async with served(portal.answer, host="localhost") as url, opened("http", url, **told) as adapter:
        with pytest.raises(UpstreamFailed, match="cookie OTHER") as failed:
            await ask(adapter)
    assert failed.value.why == "refused"


async def test_a_login_that_says_who_calls_is_that_callers_alone() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/login":
            seen.append((await request.json())["who"])
            return web.json_response({"token": f"of {seen[-1]}"})
        return web.json_response({"a": request.headers["X-Token"]})

    login = {"path": "/login", "body": {"who": "call.consumer"}, "session": {"token": "answer.token"}}
    told = {**HTTP, "authentication": {"login": login}, "headers": {"X-Token": "session.token"}}
    async with served(answer, host="localhost") as url, opened("http", url, **told) as adapter:
        method = adapter.method("read")
        assert method
        for consumer in ("mot-cua", "cong-an", "mot-cua"):
            asking = Call(call().context._replace(consumer=consumer))
            assert await method(dict(ASKED), asking) == {"ketQua": f"of {consumer}"}
    assert seen == ["mot-cua", "cong-an"]


async def test_tokens_may_be_handed_out_elsewhere() -> None:
    async def hand_out(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t"}, status=401 if request.path == "/no" else 200)

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"a": request.headers["Authorization"]})

    oauth2 = {"path": "/token", "client": "'a'", "secret": "'b'"}
    async with served(hand_out) as elsewhere, served(answer) as url:
        told = {**HTTP, "authentication": {"oauth2": {**oauth2, "url": f"'{elsewhere}'"}}}
        async with opened("http", url, **told) as adapter:
            assert await ask(adapter) == {"ketQua": "Bearer t"}
        told = {**HTTP, "authentication": {"oauth2": {**oauth2, "path": "/no", "url": f"'{elsewhere}'"}}}
        async with opened("http", url, **told) as adapter:
            with pytest.raises(UpstreamFailed, match=f"POST {elsewhere.removeprefix('http://')}/no: HTTP 401"):
                await ask(adapter)


@asynccontextmanager
async def spoken(reply: Any) -> AsyncIterator[str]:
    """A server of bare sockets: `reply(number, writer)` for each request that comes."""
    connections: list[asyncio.StreamWriter] = []
    numbers = iter(range(1, 100))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        async with asyncio.timeout(WORK_SECONDS):
            while True:
                try:
                    await reader.readuntil(b"\r\n\r\n")
                except (asyncio.IncompleteReadError, ConnectionError):
                    break
                await reply(next(numbers), len(connections), writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://localhost:{server.sockets[0].getsockname()[1]}"
    server.close()
    for connection in connections:
        connection.close()


def answered(text: str, *headers: str) -> bytes:
    body = f'{{"a": "{text}"}}'.encode()
    head = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(body)}", *headers))
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{head}\r\n".encode() + body


async def test_an_answer_that_nobody_asked_for_is_nobodys_answer() -> None:
    """A system that answers one question twice: the second answer waits on the connection when the next question goes out."""
    twice = asyncio.Event()

    async def reply(number: int, _connection: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(f"of question {number}"))
        await writer.drain()
        if number == 1:
            await twice.wait()
            writer.write(answered("of nobody"))
            await writer.drain()

    async with spoken(reply) as url, opened("http", url, **HTTP) as adapter:
        assert await ask(adapter) == {"ketQua": "of question 1"}
        twice.set()
        await asyncio.sleep(0.05)  # the second answer arrives: nothing that a client could wait for
        for number in (2, 3):
            assert await ask(adapter) == {"ketQua": f"of question {number}"}


async def test_an_answer_that_came_too_late_is_nobodys_answer() -> None:
    async def reply(number: int, connection: int, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            await asyncio.sleep(0.3)  # longer than the caller's deadline below
        writer.write(answered(f"of question {number}"))

    async with spoken(reply) as url, opened("http", url, **HTTP) as adapter:
        with pytest.raises(UpstreamLate):
            await ask(adapter, seconds=0.1)
        assert await ask(adapter) == {"ketQua": "of question 2"}


@pytest.mark.parametrize(
    "header", ["Persistent-Auth: true", "WWW-Authenticate: NTLM TlRM", "WWW-Authenticate: Negotiate oYG2"]
)
async def test_a_connection_that_the_system_has_let_somebody_in_by_is_not_used_again(header: str) -> None:
    async def reply(_number: int, connection: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(f"on connection {connection}", header))
        await writer.drain()

    async with spoken(reply) as url, opened("http", url, **HTTP) as adapter:
        for number in (1, 2, 3):
            assert await ask(adapter) == {"ketQua": f"on connection {number}"}
