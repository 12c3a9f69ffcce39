"""The picture of the flows: figures of all gateways, grouped, searched and live, and nobody sees more of it than they may."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from support.preloaded import run
from support.processes import free_port
from support.searched import Searched
from support.waits import eventually
from support.workbench import TEXT, Workbench, document

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_auth.signing_keys import SigningKey

Document = dict[str, Any]


async def flows(bus: Workbench, system: str = "operator", **query: str) -> Document:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    got = await bus.ask("GET", f"/ops/flows?{asked}", system=system)
    assert got.status == 200, got.body
    return dict(got.json)


@asynccontextmanager
async def followed(session: aiohttp.ClientSession, token: str, query: str = "") -> AsyncIterator[Any]:
    """A stream of the flows: a function that awaits its next event, as its name and content."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with session.get(f"/ops/flows/stream?{query}", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream"), await answer.text()

        async def following() -> tuple[str, Document]:
            name = ""
            async with asyncio.timeout(20):
                async for line in answer.content:
                    if line.startswith(b"event: "):
                        name = line[7:].decode().strip()
                    elif line.startswith(b"data: "):
                        return name, json.loads(line[6:])
            raise AssertionError("the stream ended")

        yield following


def applied(picture: Document, changes: Document) -> Document:
    """A picture after changes, as a reader of the stream keeps it."""
    items = {one["id"]: one for one in picture["items"]} | {one["id"]: one for one in changes["items"]}
    cells = {(one["service"], one["began"]): one for one in [*picture["latency"], *changes["latency"]]}
    return {
        **{name: value for name, value in changes.items() if name != "removed"},
        "items": [one for key, one in items.items() if key not in changes["removed"]],
        **{kind: picture[kind] | changes[kind] for kind in ("agencies", "systems", "services")},
        "latency": [one for one in cells.values() if one["began"] >= changes["first"]],
    }


@pytest_asyncio.fixture(scope="module")
async def unchanging(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    """A bus with the flows of `spoil`, to which no test adds any."""
    searched = await spoil(tmp_path_factory.mktemp("unchanging"))
    yield searched
    await searched.stop()


@pytest_asyncio.fixture(scope="module")
async def changing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    """A bus with the flows of `spoil`, to which tests add others."""
    searched = await spoil(tmp_path_factory.mktemp("changing"))
    yield searched
    await searched.stop()


async def spoil(folder: Path) -> Searched:
    """A bus on which alpha reads with success, beta is refused, and the operation `narrow` fails; all of it in the index."""
    index = str(folder / "index.db")
    bus = await Workbench(folder).start("--index", index)
    searched = Searched(bus, folder, index)
    await searched.indexer.start()

    async def fail(request: Document, call: Call) -> Document:
        raise UpstreamFailed("unreachable", "GET so.example.vn/so: refused")

    await bus.serve(narrow=fail)
    for _ in range(4):
        await bus.call()
    assert (await bus.call("narrow")).status == 502
    last = await bus.call("read-person", system="beta")
    await searched.indexed(last.message)
    return searched


async def test_flows_are_grouped_searched_and_judged(unchanging: Searched) -> None:
    bus = unchanging.bus
    by_operation = await flows(bus)
    states = {(one["consumer"], one["operation"]): one["state"] for one in by_operation["items"]}
    assert states == {("alpha", "read"): "healthy", ("alpha", "narrow"): "failing", ("beta", "read-person"): "refused"}
    assert [one["state"] == "healthy" for one in by_operation["items"]] == [False, False, True]
    assert (by_operation["total"]["calls"], by_operation["unwell"], by_operation["staleSince"]) == (6, 2, "")
    assert by_operation["systems"]["alpha"] == {**TEXT, "agency": "H49.1"}
    assert by_operation["services"]["desk"] == by_operation["agencies"]["H49.1"] == TEXT
    assert sum(point["calls"] for point in by_operation["series"]) == 6
    assert sum(point["failed"] for point in by_operation["series"]) == 1
    assert {one["service"] for one in by_operation["latency"]} == {"desk"}
    assert sum(one["calls"] for one in by_operation["latency"]) == 6
    assert all(one["p95"] > 0 for one in by_operation["latency"])

    [alpha, beta] = sorted((await flows(bus, group="service"))["items"], key=lambda one: one["consumer"])
    assert (alpha["calls"], alpha["operation"], alpha["errorRate"], beta["refusedRate"]) == (5, "", 0.2, 1)
    [agencies] = (await flows(bus, group="agency"))["items"]
    assert (agencies["consumerAgency"], agencies["providerAgency"], agencies["calls"]) == ("H49.1", "H49.1", 6)
    assert (agencies["consumer"], agencies["service"]) == ("", "")

    unwell = await flows(bus, unwell="true")
    assert [one["operation"] for one in unwell["items"]] != ["read"]
    assert (unwell["leftOut"], unwell["total"]["calls"]) == ({"flows": 1, "calls": 4}, 6)
    top = await flows(bus, top="1")
    assert (len(top["items"]), top["leftOut"]["flows"]) == (1, 2)
    for query, calls in (
        ({"search": "BETA"}, 1),
        ({"search": "thu alpha"}, 5),
        ({"search": "nobody"}, 0),
        ({"consumer": "alpha"}, 5),
        ({"agency": "H49.2"}, 0),
        ({"service": "desk", "kind": "call"}, 6),
        ({"kind": "event"}, 0),
    ):
        found = await flows(bus, **query)
        assert (found["total"]["calls"], sum(one["calls"] for one in found["series"])) == (calls, calls), query
    for wrong in ("group=country", "top=0", "top=100000", "kind=letter", "agency=x"):
        assert (await bus.ask("GET", f"/ops/flows?{wrong}", system="operator")).code == "malformed", wrong


async def test_an_agency_sees_its_own_flows_alone(changing: Searched) -> None:
    bus = changing.bus
    bus.keys["admin-2"] = SigningKey.generate()
    spec = {"agency": "H49.2", "title": TEXT, "jwks": [bus.keys["admin-2"].public_jwk()], "roles": ["agency-admin"]}
    assert (await bus.registry("POST", "systems", document("System", "admin-2", **spec))).status == 201
    foreign = await flows(bus, "admin-2")
    assert (foreign["items"], foreign["series"], foreign["latency"], foreign["systems"]) == ([], [], [], {})
    assert foreign["total"]["calls"] == 0
    for evasion in ({"agency": "H49.1"}, {"consumer": "alpha"}, {"search": "alpha"}, {"group": "agency"}):
        assert (await flows(bus, "admin-2", **evasion))["items"] == [], evasion
    refused = await bus.call(system="asker")
    await changing.indexed(refused.message)

    async def shown() -> bool:
        [*items] = (await flows(bus, "admin-2"))["items"]
        return [(one["consumer"], one["calls"]) for one in items] == [("asker", 1)]

    await eventually(shown)
    async with followed(bus.session, bus.token("admin-2")) as following:
        name, picture = await following()
        assert (name, [one["consumer"] for one in picture["items"]]) == ("picture", ["asker"])
        assert set(picture["systems"]) == {"asker", "provider"}
    every, own = await flows(bus), await flows(bus, "agency-admin")
    assert own["total"]["calls"] == every["total"]["calls"] >= 7  # all have a part in its agency
    for system in ("integrator", "developer", "alpha"):
        assert (await bus.ask("GET", "/ops/flows/stream", system=system)).status == 403


async def test_a_stream_is_right_again_at_another_gateway(changing: Searched) -> None:
    bus = changing.bus
    port = free_port()
    other = bus.another_gateway("other", port)
    other.command += ["--index", changing.address]
    await other.start()
    try:
        async with followed(bus.session, bus.token("auditor"), "group=service") as following:
            name, picture = await following()
            assert (name, picture["group"]) == ("picture", "service")
            calls = picture["total"]["calls"] + 3
            for _ in range(3):
                await bus.call()
            async with asyncio.timeout(20):
                while picture["total"]["calls"] < calls:
                    name, changes = await following()
                    assert name == "changes"
                    picture = applied(picture, changes)
        session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
        async with session, followed(session, bus.token("auditor"), "group=service") as following:
            name, again = await following()
            async with asyncio.timeout(20):
                while again["total"]["calls"] < calls:
                    _, changes = await following()
                    again = applied(again, changes)
        known = ("id", "calls", "refusedRate", "errorRate", "state", "p95")
        assert [{name: one[name] for name in known} for one in again["items"]] == [
            {name: one[name] for name in known} for one in picture["items"]
        ]
        assert again["total"]["calls"] == calls
    finally:
        await other.stop()


@pytest.mark.long  # an index is old after five seconds
async def test_the_picture_says_since_when_it_is_old(changing: Searched) -> None:
    bus = changing.bus
    await changing.indexer.stop()
    await bus.call()

    async def is_stale() -> bool:
        return bool((await flows(bus))["staleSince"])

    try:
        await eventually(is_stale)
    finally:
        await changing.indexer.start()


async def test_a_gateway_without_an_index_says_so(bus: Workbench) -> None:
    for path in ("/ops/flows", "/ops/flows/stream"):
        assert (await bus.ask("GET", path, system="operator")).code == "index-unavailable"


async def test_by_command_flows_are_grouped_and_searched(unchanging: Searched) -> None:
    bus = unchanging.bus
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]
    code, out, err = await run("flows", "--unwell", "--group", "service", *remote)
    assert (code, len(out.splitlines())) == (0, 3), err
    code, out, err = await run("flows", "--search", "beta", *remote)
    assert (code, "beta" in out, "alpha" in out) == (0, True, False), err
