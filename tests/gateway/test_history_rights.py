"""The history of a document: for those who may read it, version by version, and with nothing left behind."""

import asyncio
import uuid
from typing import Any

import pytest
import yarl
from support.workbench import TEXT, Workbench, document, grant

from lgsp_contracts.names import DocumentName
from lgsp_gateway.local import nats_config
from lgsp_gateway.registry import store
from lgsp_runtime.nats.connection import connect
from lgsp_runtime.nats.request_reply import NatsRequestReply

KINDS = ("agencies", "systems", "services", "grants")


async def consumers(bus: Workbench) -> int:
    connection = await connect(bus.endpoint("gateway"), "test")
    info = await connection.jetstream().stream_info("KV_LGSP_REGISTRY")
    await connection.close()
    return int(info.state.consumer_count)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["*", "%3E", "%2A", "a.%3E", "*.*", "x" * 4200, "a%20b", "a%0D%0Ab", "%00"])
async def test_a_pattern_is_no_name(bus: Workbench, kind: str, name: str) -> None:
    for system in ("asker", "gamma", "operator"):
        path = yarl.URL(f"http://127.0.0.1:{bus.port}/registry/{kind}/{name}/history", encoded=True)
        headers = {"Authorization": f"Bearer {bus.token(system)}", "Accept-Language": "en"}
        async with bus.session.get(path, headers=headers) as answer:
            assert 400 <= answer.status < 500
            assert (await answer.json())["detail"].endswith(".")


async def test_the_gateway_keeps_its_connection_and_leaves_no_consumer(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    before = await consumers(bus)
    asked: list[Any] = [
        bus.registry("GET", f"{kind}/{name}/history", system=system)
        for kind in KINDS
        for name in ("x" * 4200, "alpha", "desk-v1", "alpha-desk", "H49.1", "nobody")
        for system in ("gamma", "developer", "operator")
    ]
    statuses = [got.status for got in await asyncio.gather(*asked)]
    assert {200, 400, 404} == set(statuses)
    assert await consumers(bus) == before == 0
    assert "maximum control line" not in (bus.state.logs / nats_config.LOG).read_text().lower()


async def test_each_version_is_shown_to_whom_it_belonged(bus: Workbench) -> None:
    """A system that moved from one agency to another: the new one sees nothing of what it was before, and the old one nothing."""
    keys = {"secretSha256": "a" * 64}
    moved = document("System", "moving", agency="H49.1", title=TEXT, **keys)
    made = await bus.registry("POST", "systems", moved)
    taken = document("System", "moving", agency="H49.2", title=TEXT)
    put = await bus.registry("PUT", "systems/moving", taken, headers={"If-Match": made.headers["ETag"]})
    assert put.status == 200
    seen = await bus.registry("GET", "systems/moving/history", system="asker")
    assert [item["spec"]["agency"] for item in seen.json["items"]] == ["H49.2"]
    assert (await bus.registry("GET", "systems/moving/history", system="agency-admin")).status == 404
    whole = await bus.registry("GET", "systems/moving/history", system="auditor")
    assert [item["spec"]["agency"] for item in whole.json["items"]] == ["H49.2", "H49.1"]
    deleted = await bus.registry("DELETE", "systems/moving", headers={"If-Match": put.headers["ETag"]})
    assert deleted.status == 204
    seen = await bus.registry("GET", "systems/moving/history", system="asker")
    assert [(item["spec"] or {}).get("agency") for item in seen.json["items"]] == [None, "H49.2"]
    assert (await bus.registry("GET", "systems/moving/history", system="developer")).status == 404


async def test_a_name_that_comes_back_to_another_agency_brings_no_history_along(bus: Workbench) -> None:
    first = await bus.registry("POST", "grants", grant("coming", "alpha", read=["*"]))
    assert first.status == 201
    tag = {"If-Match": first.headers["ETag"]}
    assert (await bus.registry("DELETE", "grants/coming", headers=tag)).status == 204
    asked = await bus.registry("POST", "grants", grant("coming", "asker", read=["*"]), system="asker")
    assert asked.status == 201
    seen = await bus.registry("GET", "grants/coming/history", system="asker")
    assert [item["spec"]["consumer"] for item in seen.json["items"]] == ["asker"]
    last = await bus.registry("GET", "grants/coming")
    assert (await bus.registry("DELETE", "grants/coming", headers={"If-Match": last.headers["ETag"]})).status == 204


async def test_versions_come_in_batches_and_none_is_left_out(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "VERSIONS", 2)
    connection = await connect(bus.endpoint("gateway"), "test history")
    documents = store.DocumentStore(NatsRequestReply())
    await documents.start(connection, 1)
    name = DocumentName(f"changed-{uuid.uuid4().hex[:12]}")
    assert await documents.history("System", name) == []
    tag = ""
    for number in range(5):
        sent = document("System", name, agency="H49.1", title={"vi": f"Lần {number}", "en": f"Version {number}"})
        method, path = ("PUT", f"systems/{name}") if tag else ("POST", "systems")
        written = await bus.registry(method, path, sent, headers={"If-Match": tag} if tag else None)
        assert written.status in (200, 201), written.json
        tag = written.headers["ETag"]
    versions = await documents.history("System", name)
    assert [(one.spec or {})["title"]["en"] for one in versions] == [f"Version {number}" for number in range(4, -1, -1)]
    monkeypatch.undo()
    before = connection.stats["out_msgs"]
    assert await documents.history("System", name) == versions
    assert connection.stats["out_msgs"] - before == 2, "a batch, and whether the leader has more"
    assert (await bus.registry("DELETE", f"systems/{name}", headers={"If-Match": tag})).status == 204
    await connection.close()
