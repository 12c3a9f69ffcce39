"""The session of a person in a browser: a cookie that counts for the bus's own pages alone, and ends everywhere at once."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from support.console import SAME_ORIGIN, Console, Officials, SignedIn
from support.processes import free_port
from support.workbench import Got, Workbench

from lgsp_gateway.http.fast_path.pool import STOP_SECONDS
from lgsp_gateway.http.session_cookie import CONSOLE, REQUESTED_WITH


async def ask(
    bus: Workbench, method: str, path: str, token: str, body: Any = None, *, port: int = 0, **headers: str
) -> Got:
    """Ask as a browser that holds a session."""
    sent = {"Cookie": f"lgsp_session={token}", "Accept-Language": "en", **headers}
    url = f"http://127.0.0.1:{port or bus.port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body, headers=sent) as answer:
        return Got(answer.status, await answer.read(), answer.headers.copy())


async def sign_out(bus: Workbench, token: str, **headers: str) -> Got:
    return await ask(bus, "POST", "/console/sign-out", token, **headers)


@pytest.fixture
def change() -> dict[str, Any]:
    return {
        "apiVersion": "lgsp/v1",
        "kind": "Agency",
        "metadata": {"name": "H49.77"},
        "spec": {"title": {"vi": "Thử", "en": "Try"}},
    }


async def test_a_cookie_is_as_good_as_a_token_and_no_cache_keeps_what_it_shows(
    console_bus: Workbench, officials: Officials
) -> None:
    person, token = await officials.signed_in("auditor")
    got = await ask(console_bus, "GET", "/me", token)
    assert got.json["person"] == person
    assert got.headers["Cache-Control"] == "no-store"
    assert "Cookie" in got.headers["Vary"]
    catalogue = await ask(console_bus, "GET", "/catalog", token)
    assert (catalogue.status, catalogue.headers["Cache-Control"]) == (200, "no-store")


async def test_a_cookie_calls_no_service(console_bus: Workbench, officials: Officials) -> None:
    _, token = await officials.signed_in("operator")
    got = await ask(console_bus, "POST", "/services/desk/v1/read", token, {"soDinhDanh": "022093001234"}, **SAME_ORIGIN)
    assert (got.status, got.code) == (401, "token-invalid")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {REQUESTED_WITH: CONSOLE},
        {"Sec-Fetch-Site": "same-origin"},
        {REQUESTED_WITH: "XMLHttpRequest", "Sec-Fetch-Site": "same-origin"},
        {REQUESTED_WITH: CONSOLE, "Sec-Fetch-Site": "same-site"},
        {REQUESTED_WITH: CONSOLE, "Sec-Fetch-Site": "cross-site"},
        {REQUESTED_WITH: CONSOLE, "Sec-Fetch-Site": "none"},
        {REQUESTED_WITH: CONSOLE, "Origin": "https://elsewhere.example"},
        {REQUESTED_WITH: CONSOLE, "Origin": "null"},
    ],
)
async def test_a_change_that_a_page_of_the_bus_did_not_send_is_refused(
    console_bus: Workbench, officials: Officials, change: dict[str, Any], headers: dict[str, str]
) -> None:
    _, token = await officials.signed_in("operator")
    got = await ask(console_bus, "POST", "/registry/agencies", token, change, **headers)
    assert (got.status, got.code) == (403, "cross-site-request")
    assert (await sign_out(console_bus, token, **headers)).status == 403  # nobody else signs a person out either
    assert (await ask(console_bus, "GET", "/me", token)).status == 200


async def test_a_change_that_a_page_of_the_bus_sent_is_made(
    console_bus: Workbench, officials: Officials, change: dict[str, Any]
) -> None:
    _, token = await officials.signed_in("operator")
    old_browser = {REQUESTED_WITH: CONSOLE, "Origin": f"http://127.0.0.1:{console_bus.port}"}
    for headers in (SAME_ORIGIN, old_browser):
        got = await ask(console_bus, "POST", "/registry/agencies?dryRun=true", token, change, **headers)
        assert got.status in (200, 201), got.body


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_of_another_origin_reads_nothing_with_the_cookie(
    console_bus: Workbench, officials: Officials, site: str
) -> None:
    _, token = await officials.signed_in("auditor")
    assert (await ask(console_bus, "GET", "/me", token, **{"Sec-Fetch-Site": site})).status == 401
    public = await ask(console_bus, "GET", "/catalog", token, **{"Sec-Fetch-Site": site})
    assert public.status == 200


async def test_a_session_ends_on_all_gateways_at_once(console_bus: Workbench, officials: Officials) -> None:
    port = free_port()
    second = await console_bus.another_gateway("second", port).start()
    try:
        _, token = await officials.signed_in("auditor")
        for at in (console_bus.port, port):
            assert (await ask(console_bus, "GET", "/me", token, port=at)).status == 200
        ended = await sign_out(console_bus, token, **SAME_ORIGIN)
        assert ended.status == 200
        assert 'lgsp_session=""' in ended.headers["Set-Cookie"]
        for at in (console_bus.port, port):
            got = await ask(console_bus, "GET", "/me", token, port=at)
            assert (got.status, got.code) == (401, "token-invalid")
            assert "sign in again" in got.json["detail"]
    finally:
        await second.stop()


async def test_a_gateway_that_stops_ends_the_streams_of_open_pages_whole(
    console_bus: Workbench, officials: Officials
) -> None:
    port = free_port()
    second = await console_bus.another_gateway("stopping", port).start()
    _, token = await officials.signed_in("auditor", "operator")
    paths = (await ask(console_bus, "GET", "/openapi.json", token)).json["paths"]
    headers = {"Cookie": f"lgsp_session={token}", "Accept": "text/event-stream"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, AsyncExitStack() as opened:
        streams = {}
        for path, methods in paths.items():
            if "text/event-stream" in str(methods.get("get", {}).get("responses")) and "{" not in path:
                streams[path] = await opened.enter_async_context(session.get(path, headers=headers))
        followed = {path: answer for path, answer in streams.items() if answer.status == 200}
        assert {"/me/session/events", "/catalog/events", "/ops/checks", "/ops/adapters"} <= followed.keys(), streams
        async with asyncio.timeout(STOP_SECONDS / 2):  # none of them is waited for, and broken off then
            assert await second.stop() == 0
        for path, answer in followed.items():
            assert answer.content_type == "text/event-stream", path
            await answer.read()  # which raises where the end was cut off


async def test_an_ended_session_hides_nothing_that_anybody_may_read_and_locks_nobody_out(
    console_bus: Workbench, officials: Officials
) -> None:
    _, token = await officials.signed_in("auditor")
    await sign_out(console_bus, token, **SAME_ORIGIN)
    assert (await ask(console_bus, "GET", "/catalog", token)).status == 200
    for _ in range(60):  # a browser left open goes on asking, and others work behind the same address
        assert (await ask(console_bus, "GET", "/me", token)).status == 401
    _, other = await officials.signed_in("auditor", who="b")
    assert (await ask(console_bus, "GET", "/me", other)).status == 200


async def test_a_suspension_ends_the_sessions(console_bus: Workbench) -> None:
    officials = Officials(console_bus)
    person, token = await officials.signed_in("developer", who="suspended")
    got = await console_bus.registry("POST", f"persons/{person}/suspend", {"reason": "thử"})
    assert got.status == 200, got.body
    assert (await ask(console_bus, "GET", "/me", token)).status == 401


async def test_a_person_is_signed_in_in_a_browser(console: Console) -> None:
    page = await console.page("auditor")
    shown = await page.goto("/me")
    assert shown
    assert (await shown.json())["roles"] == ["auditor"]
    assert await page.evaluate("document.cookie") == ""  # scripts do not see it
    nobody = await console.page_with()
    refused = await nobody.goto("/me")
    assert refused
    assert refused.status == 401


async def test_operators_in_any_number_are_made(officials: Officials) -> None:
    found: list[SignedIn] = [await officials.signed_in("operator", who=who) for who in ("a", "b", "c", "d")]
    assert len({one.person for one in found}) == 4


async def test_a_page_is_opened_with_whatever_its_address_says(console_bus: Workbench) -> None:
    for path in ("/console?lang=en", "/console/messages?service=desk&outcome=failed&service=other"):
        assert (await ask(console_bus, "GET", path, "")).status == 200
