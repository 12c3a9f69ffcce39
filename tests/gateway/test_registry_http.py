"""The registry over HTTP: changes in force at once, two writers, history, pages."""

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.workbench import CONTRACTS, TEXT, Got, Workbench, document, grant


def system(name: str, **spec: Any) -> dict[str, Any]:
    return document("System", name, agency="H49.1", title=TEXT, **spec)


@pytest_asyncio.fixture
async def made(bus: Workbench) -> AsyncIterator[Got]:
    """A grant that a test may change."""
    created = await bus.registry("POST", "grants", grant("changing", "gamma", read=["*"]))
    assert created.status == 201
    yield created
    last = await bus.registry("GET", "grants/changing")
    if last.status == 200:
        assert (
            await bus.registry("DELETE", "grants/changing", headers={"If-Match": last.headers["ETag"]})
        ).status == 204


def changed(got: Got, **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(got.json)
    found["metadata"] = {"name": found["metadata"]["name"]}
    found["spec"] |= spec
    return found


async def test_a_grant_is_in_force_when_its_creation_is_answered(bus: Workbench, made: Got) -> None:
    adapter = await bus.serve()
    assert (await bus.call(system="gamma")).status == 200
    assert made.headers["Location"] == "/registry/grants/changing"
    assert made.json["metadata"]["updatedBy"] == "operator"
    last = await bus.registry("GET", "grants/changing")
    assert last.headers["ETag"] == made.headers["ETag"]
    deleted = await bus.registry("DELETE", "grants/changing", headers={"If-Match": last.headers["ETag"]})
    assert deleted.status == 204
    assert (await bus.call(system="gamma")).code == "not-granted"
    await bus.unserve(adapter)
    again = await bus.registry("POST", "grants", grant("changing", "gamma", read=["*"]))
    assert again.status == 201


async def test_the_second_of_two_writers_gets_412_and_the_current_document(bus: Workbench, made: Got) -> None:
    tag = {"If-Match": made.headers["ETag"]}
    writers = [
        bus.registry("PUT", "grants/changing", changed(made, legalBasis=f"Luật {n}"), headers=tag) for n in range(8)
    ]
    answers = await asyncio.gather(*writers)
    assert sorted(got.status for got in answers) == [200] + [412] * 7
    [won] = [got for got in answers if got.status == 200]
    for lost in (got for got in answers if got.status == 412):
        assert lost.code == "revision-conflict"
        assert lost.json["current"]["spec"]["legalBasis"] == won.json["spec"]["legalBasis"]
        assert lost.headers["ETag"] == won.headers["ETag"]
    retried = await bus.registry(
        "PUT", "grants/changing", changed(won, legalBasis="Luật 9"), headers={"If-Match": won.headers["ETag"]}
    )
    assert retried.status == 200


async def test_a_replacement_needs_a_condition(bus: Workbench, made: Got) -> None:
    assert (await bus.registry("PUT", "grants/changing", changed(made))).code == "precondition-required"
    assert (await bus.registry("DELETE", "grants/changing")).status == 428
    for tag in ("*", '"x"', '"1"'):
        assert (await bus.registry("DELETE", "grants/changing", headers={"If-Match": tag})).status == 412
    created = await bus.registry("PUT", "grants/changing", changed(made), headers={"If-None-Match": "*"})
    assert (created.status, created.code) == (409, "already-exists")
    assert (await bus.registry("POST", "grants", changed(made))).code == "already-exists"


async def test_history_says_who_when_what_and_why(bus: Workbench, made: Got) -> None:
    tag = {"If-Match": made.headers["ETag"]}
    put = await bus.registry(
        "PUT", "grants/changing?reason=Thêm mục đích", changed(made, purposes=["a", "b"]), headers=tag
    )
    await bus.registry("DELETE", "grants/changing?reason=thu hồi", headers={"If-Match": put.headers["ETag"]})
    again = await bus.registry("POST", "grants", changed(made))
    assert again.status == 201
    items = (await bus.registry("GET", "grants/changing/history")).json["items"][:4]
    assert [item["spec"] and item["spec"]["purposes"] for item in items] == [
        ["thu-nghiem"],
        None,
        ["a", "b"],
        ["thu-nghiem"],
    ]
    assert [item["metadata"].get("reason") for item in items] == [None, "thu hồi", "Thêm mục đích", None]
    assert {item["metadata"]["updatedBy"] for item in items} == {"operator"}
    moments = [item["metadata"]["updatedAt"] for item in items]
    assert moments == sorted(moments, reverse=True)


async def test_a_dry_run_changes_nothing(bus: Workbench, made: Got) -> None:
    tag = {"If-Match": made.headers["ETag"]}
    dry = await bus.registry("PUT", "grants/changing?dryRun=true", changed(made, legalBasis="Khác"), headers=tag)
    assert (dry.status, dry.json["spec"]["legalBasis"]) == (200, "Khác")
    assert (await bus.registry("GET", "grants/changing")).json == made.json


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ([], 422, "invalid-document"),
        ({}, 422, "invalid-document"),
        (grant("g", "nobody", read=["*"]), 422, "invalid-document"),
        (grant("g", "beta", read=["/khong"]), 422, "invalid-document"),
        (grant("g", "beta", nothing=["*"]), 422, "invalid-document"),
        ({**grant("g", "beta", read=["*"]), "kind": "System"}, 422, "invalid-document"),
        ({**grant("g", "beta", read=["*"]), "apiVersion": "v2"}, 422, "invalid-document"),
        ({**grant("G!", "beta", read=["*"])}, 422, "invalid-document"),
        ({"kind": "Grant", "metadata": 3, "spec": 4, "apiVersion": "lgsp/v1"}, 422, "invalid-document"),
    ],
)
async def test_what_is_refused_at_the_door(bus: Workbench, sent: Any, status: int, code: str) -> None:
    got = await bus.registry("POST", "grants", sent)
    assert (got.status, got.code) == (status, code)
    assert (await bus.registry("GET", "grants/g")).status == 404


async def test_a_service_is_published_called_and_withdrawn(bus: Workbench) -> None:
    contract = {**CONTRACTS[0], "service": "fresh", "version": "1.2.0"}
    created = await bus.registry("POST", "services", document("Service", "fresh-v1", contract=contract))
    assert created.status == 201
    granted = await bus.registry("POST", "grants", grant("fresh", "alpha", "fresh", read=["*"]))
    assert (await bus.call(service="fresh")).code == "no-adapter"
    tag = {"If-Match": created.headers["ETag"]}
    assert (await bus.registry("DELETE", "services/fresh-v1", headers=tag)).code == "in-use"
    assert (await bus.registry("DELETE", "grants/fresh", headers={"If-Match": granted.headers["ETag"]})).status == 204
    assert (await bus.registry("DELETE", "services/fresh-v1", headers=tag)).status == 204
    assert (await bus.call(service="fresh")).code == "unknown-service"


async def test_a_removed_system_is_nobody_at_once(bus: Workbench) -> None:
    created = await bus.registry("POST", "systems", system("passing"))
    assert (await bus.call(system="passing")).code == "not-granted"
    await bus.registry("DELETE", "systems/passing", headers={"If-Match": created.headers["ETag"]})
    assert (await bus.call(system="passing")).code == "token-invalid"


async def test_pages_and_filters(bus: Workbench) -> None:
    names, query = [], "systems?limit=3"
    async with asyncio.timeout(20):
        while True:
            page = (await bus.registry("GET", query)).json
            names += [item["metadata"]["name"] for item in page["items"]]
            if "next" not in page:
                break
            query = f"systems?limit=3&cursor={page['next']}"
    assert names == sorted(names)
    assert {"alpha", "beta", "provider", "operator"} <= set(names)
    found = (await bus.registry("GET", "grants?consumer=alpha&service=desk")).json["items"]
    assert [item["metadata"]["name"] for item in found] == ["alpha-desk"]
    for query in ("limit=0", "limit=x", "limit=5000", "cursor=!!"):
        assert (await bus.registry("GET", f"systems?{query}")).code == "malformed"
    assert (await bus.registry("GET", "kings")).code == "not-found"
    assert (await bus.registry("GET", "systems/nobody")).code == "not-found"
