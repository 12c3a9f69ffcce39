"""What needs attention: checks with their times, live; and the alerts of an Alertmanager, whatever it answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from support.workbench import Workbench

from lgsp_gateway.observability.alertmanager import MAX_ALERTS, MAX_BYTES, Alertmanager

ALERT: dict[str, Any] = {
    "labels": {"alertname": "LgspNoAdapter", "severity": "critical", "service": "births"},
    "annotations": {"summary": "No adapter\nserves births.", "runbook": "Run `lgsp adapter run`."},
    "startsAt": "2026-11-28T08:00:00.000Z",
    "status": {"state": "active"},
}


class Server:
    """An Alertmanager that answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.answer = web.json_response([ALERT])
        self.asked: list[str] = []

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/api/v2/alerts", self._answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.query_string)
        return self.answer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    started = Server()
    started.url = await started.start()
    yield started
    await started.runner.cleanup()


async def test_what_fires_is_shown_with_what_to_do_and_asked_once_for_all(server: Server) -> None:
    alertmanager = Alertmanager(f"{server.url}/")
    firing, again = await asyncio.gather(alertmanager.firing(), alertmanager.firing())
    assert firing.problem is None
    assert firing == again
    assert server.asked == ["active=true&silenced=false&inhibited=false&unprocessed=false"]
    [alert] = firing.alerts
    assert alert.document() == {
        "name": "LgspNoAdapter",
        "severity": "critical",
        "since": "2026-11-28T08:00:00.000Z",
        "summary": "No adapter serves births.",
        "action": "Run `lgsp adapter run`.",
        "labels": {"service": "births"},
    }


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (web.Response(status=500), "HTTP 500"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "HTTP 302"),
        (web.Response(text="<html>"), "JSON"),
        (web.Response(text='[{"labels": 1}]'), "JSON"),
        (web.Response(text="[" + " " * MAX_BYTES + "]"), "KiB"),
    ],
    ids=["error", "redirect", "html", "odd", "large"],
)
async def test_an_answer_that_is_none_is_said_and_shows_nothing(server: Server, answer: web.Response, why: str) -> None:
    server.answer = answer
    firing = await Alertmanager(server.url).firing()
    assert firing.alerts == ()
    assert firing.problem is not None
    assert why in firing.problem.en
    assert "alertmanager" in firing.problem.vi


async def test_many_alerts_are_bounded_and_an_absent_one_is_said(server: Server) -> None:
    server.answer = web.json_response([ALERT] * (MAX_ALERTS + 50))
    assert len((await Alertmanager(server.url).firing()).alerts) == MAX_ALERTS
    away = await Alertmanager("http://127.0.0.1:1").firing()
    assert away.problem is not None
    assert (await Alertmanager("").firing()).problem is None


async def test_checks_say_since_when_and_come_live(bus: Workbench) -> None:
    first = (await bus.ask("GET", "/ops/checks", system="operator")).json
    by_name = {one["check"]: one for one in first["items"]}
    assert first["gateway"] == "bench"
    assert by_name["registry"]["ok"] is True
    assert 0 < by_name["registry"]["since"] <= first["time"]
    headers = {"Authorization": f"Bearer {bus.token('auditor')}", "Accept": "text/event-stream"}
    async with asyncio.timeout(20), bus.session.get("/ops/checks", headers=headers) as answer:
        assert json.loads((await answer.content.readuntil(b"\n\n"))[6:])["items"]
        await bus.ask("GET", "/ops/checks", system="operator")  # a round for all
        live = json.loads((await answer.content.readuntil(b"\n\n"))[6:])
    assert {one["check"] for one in live["items"]} == by_name.keys()
    assert (await bus.ask("GET", "/ops/checks", system="agency-admin")).code == "not-granted"


async def test_without_an_alertmanager_the_list_says_so(bus: Workbench) -> None:
    assert (await bus.ask("GET", "/ops/alerts", system="operator")).json == {"configured": False, "items": []}
    assert (await bus.ask("GET", "/ops/alerts", system="developer")).code == "not-granted"
