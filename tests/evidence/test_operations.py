"""Watching the bus: flows, adapters and statistics are what really passed, through however many gateways."""

import asyncio
import csv
import io
import json
from typing import Any

import aiohttp
from support.preloaded import run
from support.processes import free_port
from support.searched import Searched
from support.workbench import Got, Workbench

from lgsp_adapters.adapter import Call, UpstreamFailed


async def ops(bus: Workbench, path: str, system: str = "auditor", **headers: str) -> Got:
    sent = {"Authorization": f"Bearer {bus.token(system)}", "Accept-Language": "en", **headers}
    async with bus.session.get(f"/ops/{path}", headers=sent) as answer:
        return Got(answer.status, await answer.read(), answer.headers)


async def test_flows_count_the_calls_of_all_gateways(searched: Searched) -> None:
    bus = searched.bus
    port = free_port()
    other = bus.another_gateway("other", port)
    await other.start()
    headers = {"Authorization": f"Bearer {bus.token('alpha')}", "Content-Type": "application/json"}
    body = json.dumps({"soDinhDanh": "022093001234"})
    try:
        for _ in range(10):
            await bus.call()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            for _ in range(5):
                async with session.post("/services/desk/v1/read", data=body, headers=headers) as answer:
                    last = answer.headers["Lgsp-Message-Id"]
    finally:
        await other.stop()
    refused = await bus.call("read-person", system="beta")
    for message in (last, refused.message):
        await searched.indexed(message)
    for window in ("1m", "1h", "1d"):
        items = {
            (one["consumer"], one["operation"]): one for one in (await ops(bus, f"flows?window={window}")).json["items"]
        }
        flow = items["alpha", "read"]
        assert (flow["calls"], flow["provider"], flow["errorRate"]) == (15, "provider", 0)
        assert 0 < flow["p50"] <= flow["p95"] <= flow["p99"] < 5000
        assert items["beta", "read-person"]["refusedRate"] == 1
    assert (await ops(bus, "flows?window=2m")).status == 400
    assert (await ops(bus, "flows", system="alpha")).status == 403


async def test_flows_come_live(searched: Searched) -> None:
    bus = searched.bus
    await searched.indexed((await bus.call()).message)
    headers = {"Authorization": f"Bearer {bus.token('auditor')}", "Accept": "text/event-stream"}
    seen: list[int] = []
    async with asyncio.timeout(20), bus.session.get("/ops/flows", headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        async for line in answer.content:
            if line.startswith(b"data: "):
                seen.append(sum(one["calls"] for one in json.loads(line[6:])["items"]))
                if len(seen) == 1:
                    await bus.call()
                if seen[-1] == 2:
                    break
    assert seen[0] == 1


async def test_statistics_come_as_a_table_and_as_json(searched: Searched) -> None:
    bus = searched.bus
    for _ in range(3):
        last = await bus.call("read-person", headers={"Lgsp-Purpose": "thu-nghiem"})
    await searched.indexed(last.message)
    [row] = (await ops(bus, "statistics")).json["items"]
    assert (row["service"], row["operation"], row["purpose"]) == ("desk", "read-person", "thu-nghiem")
    assert (row["calls"], row["answered"], row["refused"], row["failed"]) == (3, 3, 0, 0)
    got = await ops(bus, "statistics", Accept="text/csv")
    [line] = csv.DictReader(io.StringIO(got.body.decode("utf-8-sig")))
    assert (line["month"], line["calls"]) == (row["month"], "3")
    assert (await ops(bus, f"statistics?since={row['month']}")).json["items"] == [row]
    assert (await ops(bus, "statistics?until=2020-01")).json["items"] == []
    assert (await ops(bus, "statistics?since=May")).status == 400


async def test_an_upstream_that_fails_shows(breakable_bus: Workbench) -> None:
    bus = breakable_bus

    async def fail(request: dict[str, Any], call: Call) -> dict[str, Any]:
        raise UpstreamFailed("unreachable", "GET so.example.vn/so: certificate has expired", upstream_message="bí mật")

    await bus.serve(read=fail)
    await bus.call("narrow")
    for _ in range(2):
        assert (await bus.call()).status == 502

    async def seen() -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                items = (await ops(bus, "adapters")).json["items"]
                if items and items[0]["operations"]["read"]["requests"]:
                    return dict(items[0])
                await asyncio.sleep(0.1)

    copy = await seen()
    assert (copy["service"], copy["system"]) == ("desk", "provider")
    assert copy["operations"]["narrow"]["upstream"]["up"] is True
    upstream = copy["operations"]["read"]["upstream"]
    assert (upstream["up"], upstream["failed"], upstream["lastReason"]) == (False, {"unreachable": 2}, "unreachable")
    assert upstream["lastNote"] == "GET so.example.vn/so: certificate has expired"
    async with bus.session.get("/metrics") as answer:
        exposed = await answer.text()
    assert 'lgsp_adapter_instances{service="desk"} 1.0' in exposed
    assert 'lgsp_upstream_up{operation="read",service="desk"} 0.0' in exposed
    assert 'lgsp_upstream_failures_total{operation="read",reason="unreachable",service="desk"} 2.0' in exposed
    remote = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")]
    code, out, err = await run("adapters", *remote)
    assert (code, "unreachable (2 in a row)" in out) == (0, True), err
    _, out, _ = await run("doctor", *remote)
    assert "desk/read (unreachable: GET so.example.vn/so: certificate has expired," in " ".join(out.split())
    assert "bí mật" not in out


async def test_the_commands(searched: Searched) -> None:
    await searched.indexed((await searched.bus.call()).message)
    remote = ["--url", f"http://127.0.0.1:{searched.bus.port}", "--token", searched.bus.token("auditor")]
    for command in (["flows"], ["flows", "-o", "json"], ["statistics"]):
        code, out, err = await run(*command, *remote)
        assert (code, "read" in out) == (0, True), err
