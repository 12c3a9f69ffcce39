"""Lists of a system over HTTP that are watched for events, and the system that is told what was received."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from structlog.testing import capture_logs
from support.event_bus import EventBus
from support.upstreams import served
from support.waits import eventually
from support.watches import CONTRACT, adapter_of, manifest_of, status

SINCE: dict[str, Any] = {
    "path": "/khai-sinh",
    "query": {"tu": "watermark"},
    "pages": {"items": "answer.data", "number": {"parameter": "trang", "size": 3}},
    "watermark": "item.luc",
    "start": "2026-01-01T00:00:00+07:00",
    "overlap": "10m",
    "poll": "100ms",
    "id": "item.ma",
    "time": "item.luc",
    "data": {"ma": "item.ma", "xa": "item.xa"},
}
WAITING: dict[str, Any] = {
    "path": "/cho-nhan",
    "items": "answer.data",
    "poll": "100ms",
    "id": "item.ma",
    "data": {"ma": "item.ma", "xa": "item.xa"},
    "received": {
        "path": "/khai-sinh/{item.ma}/updateStatus",
        "body": {"trangThai": "'DA_NHAN'"},
        "errors": [{"when": "answer.error_code != '0'", "failed": "refused"}],
    },
}


class Register:
    """A system with a list of births."""

    def __init__(self) -> None:
        self.births: list[dict[str, Any]] = []
        self.received: list[int] = []
        self.refuses = False
        self.fails = False
        self.lists = 0

    def add(self, begin: int, end: int) -> None:
        for number in range(begin, end):
            self.births.append({"ma": number, "xa": f"X{number % 2}", "luc": f"2026-06-01T08:{number:02}:00+07:00"})

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/updateStatus"):
            if self.refuses:
                return web.json_response({"error_code": "-1"})
            self.received.append(int(request.path.split("/")[2]))
            return web.json_response({"error_code": "0"})
        self.lists += 1
        if self.fails:
            return web.Response(status=500)
        if request.path == "/cho-nhan":
            return web.json_response({"data": [birth for birth in self.births if birth["ma"] not in self.received]})
        since, page = request.query["tu"], int(request.query["trang"])
        found = [birth for birth in reversed(self.births) if not str(birth["luc"])[19:] or birth["luc"] > since]
        return web.json_response({"data": found[3 * (page - 1) : 3 * page]})


@pytest_asyncio.fixture
async def register() -> AsyncIterator[tuple[Register, str]]:
    found = Register()
    async with served(found.answer) as url:
        yield found, url


async def test_a_list_since_a_time_becomes_events(events: EventBus, register: tuple[Register, str]) -> None:
    system, url = register
    system.add(0, 10)
    manifest = manifest_of("http", {"url": url}, SINCE)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT):
        await events.received(10)
        system.add(10, 13)
        found = await events.received(13)
    assert [item["ma"] for item in found if item["xa"] == "X0"] == list(range(0, 13, 2))
    assert len(events.sent) == 13


async def test_the_system_is_told_after_the_bus_has_the_event(events: EventBus, register: tuple[Register, str]) -> None:
    system, url = register
    system.add(0, 4)
    events.refused["2"] = "contract-violation"
    manifest = manifest_of("http", {"url": url}, WAITING)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(3)
        await eventually(lambda: sorted(system.received) == [0, 1, 3])
        await eventually(lambda: status(watch)["held"] == 1)
        events.refused.clear()
        await eventually(lambda: sorted(system.received) == [0, 1, 2, 3])
        await eventually(lambda: status(watch)["held"] == 0)
    assert sorted(item["ma"] for item in events.data) == [0, 1, 2, 3]


async def test_a_system_that_does_not_take_it_is_told_again(events: EventBus, register: tuple[Register, str]) -> None:
    system, url = register
    system.add(0, 1)
    system.refuses = True
    manifest = manifest_of("http", {"url": url}, WAITING)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(1)
        await eventually(lambda: status(watch)["held"] == 1)
        assert "accepted, but the system was not told" in status(watch)["faults"][0]["fault"]
        system.refuses = False
        await eventually(lambda: system.received == [0])
    assert len(events.events) == 1


async def test_a_system_that_is_down_is_asked_less_often_and_loses_nothing(
    events: EventBus, register: tuple[Register, str]
) -> None:
    system, url = register
    system.add(0, 2)
    system.fails = True
    manifest = manifest_of("http", {"url": url}, SINCE)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await eventually(lambda: status(watch)["state"] == "failing")
        assert "500" in status(watch)["reason"]
        system.fails = False
        await events.received(2)
        await eventually(lambda: status(watch)["state"] == "watching")


@pytest.mark.parametrize("unusable", [None, "", {"ngay": 1}, 7, "2026-13-45T08:00:00+07:00", "2026-06-01T08:00:00"])
async def test_an_item_without_a_usable_watermark_is_held_alone_and_lost_by_nobody(
    events: EventBus, register: tuple[Register, str], unusable: Any
) -> None:
    system, url = register
    system.add(0, 5)
    system.births[2] |= {"luc": unusable, "xa": "X9"}
    manifest = manifest_of("http", {"url": url}, SINCE)
    async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
        await events.received(4)
        system.add(5, 8)
        await events.received(7)
        await eventually(lambda: status(watch)["held"] == 1)
        assert status(watch)["state"] == "watching"
        assert "watermark" in status(watch)["faults"][0]["fault"]
        system.births[2]["luc"] = "2026-06-01T08:02:00+07:00"
        found = await events.received(8)
        await eventually(lambda: status(watch)["held"] == 0)
    assert found[-1] == {"ma": 2, "xa": "X9"}
    assert len(events.sent) == 8, "each once"


async def test_an_item_that_changes_within_the_overlap_and_keeps_its_id_is_counted(
    events: EventBus, register: tuple[Register, str]
) -> None:
    system, url = register
    system.add(0, 3)
    manifest = manifest_of("http", {"url": url}, SINCE)
    with capture_logs() as logs:
        async with events.watching(adapter_of(manifest), manifest, CONTRACT) as watch:
            await events.received(3)
            await eventually(lambda: status(watch)["state"] == "watching")
            system.births[1]["xa"] = "Nguyễn Văn An"
            await eventually(lambda: status(watch)["changed"] == 1)
            asked = system.lists
            await eventually(lambda: system.lists > asked + 2)
            assert status(watch)["changed"] == 1, "counted once for each change"
    line = next(line for line in logs if line["event"].startswith("changed under the id"))
    assert line["id"] in events.events
    assert line["watermark"] == "2026-06-01T08:01:00+07:00"
    assert "Nguyễn" not in str(logs)
    assert len(events.sent) == 3
