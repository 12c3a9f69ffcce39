"""Messages followed live: each once, in whatever order calls end and whatever becomes of the connection, and to each reader its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from support.searched import Searched
from support.workbench import ALL, TEXT, Workbench, document, grant

from lgsp_adapters.adapter import Call

FAR = [
    document("System", "far", agency="H49.2", title=TEXT),
    document("System", "far-admin", agency="H49.2", title=TEXT, roles=["agency-admin"]),
    grant("far-desk", "far", read=ALL),
]


class Desk:
    """Answers `wait` once it may."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def wait(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.asked.set()
        await self.may_answer.wait()
        return {"ketQua": "KHOP"}


@pytest_asyncio.fixture
async def desk() -> Desk:
    return Desk()


@pytest_asyncio.fixture
async def searched(searched: Searched, desk: Desk) -> AsyncIterator[Searched]:
    for adapter in list(searched.bus.adapters):
        await searched.bus.unserve(adapter)
    await searched.bus.serve(wait=desk.wait)
    yield searched


@pytest_asyncio.fixture(scope="module")
async def two_agencies(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    folder = tmp_path_factory.mktemp("followed")
    bus = await Workbench(folder, documents=FAR).start("--index", str(folder / "index.db"))
    found = await Searched(bus, folder, str(folder / "index.db")).start()
    yield found
    await found.stop()


class Follower:
    """A reader of the stream that notes what it is shown."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.last = ""
        self.pages = 0
        self.shown: list[str] = []

    async def until(self, message: str) -> None:
        """Read until a message is shown."""
        async with asyncio.timeout(20):
            while message not in self.shown:
                event: dict[str, str] = {}
                while line := (await self._answer.content.readline()).decode().rstrip("\n"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                self._note(event)

    def _note(self, event: dict[str, str]) -> None:
        self.last = event.get("id", self.last)
        self.pages += event.get("event") == "page"
        if "data" in event:
            self.shown += [item["message"] for item in json.loads(event["data"])["items"]]


@asynccontextmanager
async def followed(bus: Searched, system: str = "auditor", last: str = "", **query: str) -> AsyncIterator[Follower]:
    headers = {"Authorization": f"Bearer {bus.bus.token(system)}", **({"Last-Event-ID": last} if last else {})}
    async with bus.bus.session.get("/evidence/messages/stream", params=query, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream"), await answer.text()
        yield Follower(answer)


async def test_nothing_is_shown_twice_or_missed_over_lost_connections(searched: Searched, desk: Desk) -> None:
    sent = [(await searched.bus.call()).message for _ in range(3)]
    await searched.indexed(sent[-1])
    slow = asyncio.create_task(searched.bus.call("wait"))
    await desk.asked.wait()
    async with followed(searched) as first:
        sent += [(await searched.bus.call()).message for _ in range(3)]
        await first.until(sent[-1])
    sent += [(await searched.bus.call()).message for _ in range(3)]  # while nobody reads
    desk.may_answer.set()
    sent.append((await slow).message)  # it began before those that were shown, and ends after them
    async with followed(searched, last=first.last) as second:
        sent.append((await searched.bus.call()).message)
        await second.until(sent[-1])
    async with followed(searched, after=second.last) as third:
        sent.append((await searched.bus.call()).message)
        await third.until(sent[-1])
    shown = [*first.shown, *second.shown, *third.shown]
    assert sorted(shown) == sorted(sent)
    assert (first.pages, second.pages, third.pages) == (1, 0, 0)


async def test_whoever_was_away_for_too_long_gets_a_page(two_agencies: Searched) -> None:
    message = (await two_agencies.bus.call()).message
    await two_agencies.indexed(message)
    async with followed(two_agencies, last="9007199254740991") as one:  # of a stream that is no more
        await one.until(message)
    assert one.pages == 1


async def test_the_filters_of_the_search_hold_for_what_comes(two_agencies: Searched) -> None:
    traced = {"traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}
    filters = [
        {"failed": "true"},
        {"consumer": "gamma"},
        {"operation": "read"},
        {"outcome": "not-granted"},
        {"trace": "0123456789abcdef0123456789abcdef"},
        {"minDuration": "600000"},
        {"since": "2100-01-01T00:00:00Z"},
    ]
    await two_agencies.indexed((await two_agencies.bus.call("narrow")).message)
    streams = [followed(two_agencies, **one) for one in [*filters, {}]]
    readers = [await stream.__aenter__() for stream in streams]
    answered = (await two_agencies.bus.call(headers=traced)).message
    refused = (await two_agencies.bus.call(system="gamma")).message
    last = (await two_agencies.bus.call()).message
    await readers[-1].until(last)
    expected = [{refused}, {refused}, {answered, refused, last}, {refused}, {answered}, set(), set()]
    for reader, messages in zip(readers, expected, strict=False):
        for message in messages:
            await reader.until(message)
        assert set(reader.shown) & {answered, refused, last} == messages
    for stream in streams:
        await stream.__aexit__(None, None, None)


async def test_an_agency_follows_its_own_messages_alone(two_agencies: Searched) -> None:
    bus = two_agencies.bus
    await two_agencies.indexed((await bus.call("narrow", system="beta")).message)
    async with (
        followed(two_agencies, "far-admin") as asked,
        followed(two_agencies, "far-admin", side="provider") as provided,
        followed(two_agencies, "agency-admin", side="provider") as provider,
        followed(two_agencies, "operator") as operator,
    ):
        near, far = (await bus.call(system="alpha")).message, (await bus.call(system="far")).message
        for reader in (provider, operator):
            await reader.until(near)
            await reader.until(far)
        await asked.until(far)
        assert (set(asked.shown), set(provided.shown)) == ({far}, set())
    assert (await two_agencies.bus.ask("GET", "/evidence/messages/stream", system="alpha")).status == 403
