"""A developer sees what became of the calls of their own system, why, and what is left of its quotas; of no other system."""

import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.preloaded import run
from support.searched import Searched
from support.workbench import NUMBER, Got, Workbench

from lgsp_adapters.adapter import Declared


@pytest_asyncio.fixture(scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    folder = tmp_path_factory.mktemp("own")
    bus = await Workbench(folder, requests=1000).start("--index", str(folder / "index.db"))
    found = await Searched(bus, folder, str(folder / "index.db")).start()
    yield found
    await found.stop()


async def read(bus: Workbench, path: str, system: str = "alpha", language: str = "en", **query: str) -> Got:
    headers = {"Authorization": f"Bearer {bus.token(system)}", "Accept-Language": language}
    async with bus.session.get(path, params=query, headers=headers) as answer:
        return Got(answer.status, await answer.read(), answer.headers)


async def made(searched: Searched) -> dict[str, Got]:
    """Calls of two systems, with an end of each kind."""
    bus = searched.bus

    async def read_person(_request: dict[str, Any], _call: object) -> dict[str, Any]:
        raise Declared("person-not-found")

    for served in list(bus.adapters):
        await bus.unserve(served)
    await bus.serve(read_person=read_person)
    calls = {
        "good": await bus.call(),
        "wrong": await bus.call(body={"soDinhDanh": "1"}),
        "purpose": await bus.call("read-person", headers={"Lgsp-Purpose": "viec-khac"}),
        "declared": await bus.call("read-person", headers={"Lgsp-Purpose": "thu-nghiem"}),
        "other": await bus.call(system="beta", body={"soDinhDanh": "1"}),
    }
    for call in calls.values():
        await searched.indexed(call.message)
    return calls


async def test_own_calls_and_no_others(searched: Searched) -> None:
    bus, calls = searched.bus, await made(searched)
    got = await read(bus, "/me/calls")
    found = {item["message"]: item for item in got.json["items"]}
    assert found.keys() == {call.message for name, call in calls.items() if name != "other"}
    assert not {"subject", "onBehalfOf", "requestDigest", "trace"} & {name for item in found.values() for name in item}
    assert NUMBER not in got.body.decode()

    failed = (await read(bus, "/me/calls", failed="true")).json["items"]
    assert [(item["outcome"], item["status"], item["reason"], item["help"]) for item in failed] == [
        ("person-not-found", 404, "No such person", "/catalog/services/desk/v1#read-person-errors"),
        ("purpose-not-granted", 403, "No grant allows this purpose", "/problems/purpose-not-granted"),
        ("contract-violation", 422, "The request violates the contract", "/problems/contract-violation"),
    ]
    assert all(item["time"].endswith("+07:00") for item in failed)
    vietnamese = (await read(bus, "/me/calls", language="vi", failed="true")).json["items"]
    assert vietnamese[0]["reason"] == "Không có người này"
    assert [item["message"] for item in (await read(bus, "/me/calls", "beta")).json["items"]] == [
        calls["other"].message
    ]

    page = await read(bus, "/me/calls", limit="2")
    rest = await read(bus, "/me/calls", limit="2", cursor=page.json["cursor"])
    assert [*page.json["items"], *rest.json["items"]] == got.json["items"]
    tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat()
    assert (await read(bus, "/me/calls", since=tomorrow)).json["items"] == []
    assert (await read(bus, "/me/calls", consumer="beta")).code == "malformed"


async def test_a_hidden_service_is_in_no_call_of_an_outsider(searched: Searched) -> None:
    found = {}
    for service in ("hidden", "absent"):
        message = (await searched.bus.call(service=service, system="beta")).message
        await searched.indexed(message)
        [item] = [
            one for one in (await read(searched.bus, "/me/calls", "beta")).json["items"] if one["message"] == message
        ]
        found[service] = {name: value for name, value in item.items() if name not in ("message", "time", "totalMs")}
    assert found["hidden"] == found["absent"]
    assert found["hidden"]["service"] == ""


async def test_what_is_left_of_a_quota(searched: Searched) -> None:
    bus = searched.bus
    before = {item["grant"]: item for item in (await read(bus, "/me/quotas")).json["items"]}
    await bus.call()
    after = {item["grant"]: item for item in (await read(bus, "/me/quotas")).json["items"]}
    again = {item["grant"]: item for item in (await read(bus, "/me/quotas")).json["items"]}
    assert after == again  # to look costs nothing
    quota = after["alpha-desk"]
    assert (quota["requests"], quota["seconds"], quota["service"], quota["major"]) == (1000, 3600, "desk", 1)
    if quota["resets"] == before["alpha-desk"]["resets"]:
        assert quota["used"] == before["alpha-desk"]["used"] + 1
    assert quota["left"] == 1000 - quota["used"]
    assert quota["resets"].endswith("+07:00")
    assert not [name for name in after if name.startswith("beta")]


async def test_by_command(searched: Searched) -> None:
    bus, calls = searched.bus, await made(searched)
    here = ("--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("alpha"))
    code, out, err = await run("calls", "--failed", "--limit", "3", *here)
    assert code == 0, err
    [line] = [line for line in out.splitlines() if calls["declared"].message in line]
    assert "+07:00" in line
    assert "person-not-found" in line
    assert line.rstrip().endswith("No such person")
    code, out, err = await run("quota", *here)
    assert code == 0, err
    assert "alpha-desk" in out
