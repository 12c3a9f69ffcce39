"""People of an agency manage the endpoints and subscriptions of its systems; where data goes is decided by who signed in a moment ago."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.console import Officials
from support.subscribing import (
    BIRTHS,
    EVENT,
    FIELDS,
    OTHER_EVENT,
    PURPOSE,
    REGISTERS,
    SERVICE,
    Subscribing,
    event_grant,
)
from support.workbench import CONTRACTS, Got, Workbench

URL = "http://127.0.0.1:9/hook"


class Portal:
    """A bus on which people manage what a system receives."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.officials = Officials(bus)

    async def ask(self, token: str, method: str, path: str, body: Any = None) -> Got:
        return await self.bus.ask(method, path, body, headers={"Authorization": f"Bearer {token}"})

    async def signed_in(self, *roles: str, agency: str = "H49.1") -> str:
        return (await self.officials.signed_in(*roles, agency=agency)).token

    async def endpoint(self, token: str, **more: Any) -> Got:
        name = f"nhan-{secrets.token_hex(4)}"
        return await self.ask(token, "POST", "/endpoints", {"system": "alpha", "name": name, "url": URL, **more})


@pytest_asyncio.fixture(scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    documents = [event_grant("alpha-births", "alpha", FIELDS)]
    folder = tmp_path_factory.mktemp("portal")
    bench = Workbench(folder, contracts=[*CONTRACTS, BIRTHS, REGISTERS], documents=documents)
    yield Portal(await bench.start())
    await bench.stop()


async def test_a_developer_makes_rotates_and_tests_an_endpoint_of_the_agency(portal: Portal) -> None:
    token = await portal.signed_in("developer")
    made = await portal.endpoint(token)
    assert made.status == 201, made.body
    assert (made.json["system"], made.json["secret"][:6]) == ("alpha", "whsec_")
    path = f"/endpoints/{made.json['id']}"
    rotated = await portal.ask(token, "POST", f"{path}/secrets", {"overlapHours": 2})
    assert rotated.status == 201
    assert len(rotated.json["secrets"]) == 2
    assert (await portal.ask(token, "POST", f"{path}/test")).json["outcome"] == "unreachable"
    listed = (await portal.ask(token, "GET", "/endpoints?system=alpha")).json["items"]
    assert [one["id"] for one in listed] == [made.json["id"]]
    history = (await portal.ask(token, "GET", f"{path}/history")).json["items"]
    assert [(one["step"], one["role"]) for one in history] == [("created", "owner"), ("secret-rotated", "owner")]
    assert history[0]["by"].startswith("person/p-")
    assert (await portal.ask(token, "POST", f"{path}/pause", {})).json["decision"]["role"] == "owner"
    operator = await portal.bus.ask("POST", f"{path}/resume", {"reason": "x"}, system="operator")
    assert operator.code == "step-not-allowed"
    assert (await portal.ask(token, "DELETE", path)).status == 204
    deleted = (await portal.ask(token, "GET", "/deletions")).json["items"]
    assert made.json["id"] in {one["id"] for one in deleted}


async def test_others_neither_see_nor_make_them(portal: Portal) -> None:
    made = await portal.endpoint(await portal.signed_in("agency-admin"))
    path = f"/endpoints/{made.json['id']}"
    for roles, agency in ((("developer",), "H49.2"), (("agency-admin",), "H49.2"), (("integrator",), "H49.1")):
        token = await portal.signed_in(*roles, agency=agency)
        assert (await portal.endpoint(token)).code == "not-granted"
        assert (await portal.ask(token, "GET", path)).code == "not-found"
        assert (await portal.ask(token, "PATCH", path, {"url": f"{URL}/2"})).code == "not-found"
        assert (await portal.ask(token, "GET", "/endpoints")).json["items"] == []
    beta = await portal.bus.ask("POST", "/endpoints", {"system": "alpha", "name": "x", "url": URL}, system="beta")
    assert beta.code == "not-granted"
    nobody = await portal.ask(await portal.signed_in("developer"), "POST", "/endpoints", {"name": "x", "url": URL})
    assert nobody.code == "malformed"  # a person names the system
    operator = await portal.signed_in("operator")
    assert (await portal.ask(operator, "PATCH", path, {"url": f"{URL}/2"})).code == "not-granted"
    assert (await portal.ask(operator, "POST", f"{path}/secrets", {})).code == "not-granted"


async def test_where_data_goes_is_decided_by_who_signed_in_a_moment_ago(portal: Portal) -> None:
    signed_in = await portal.officials.signed_in("developer")
    made = await portal.endpoint(signed_in.token)
    path = f"/endpoints/{made.json['id']}"
    old = await portal.officials.begin_session(signed_in.person, seconds=600)  # of an hour, 50 minutes ago
    assert (await portal.endpoint(old)).code == "sign-in-too-old"
    refused = await portal.ask(old, "PATCH", path, {"url": f"{URL}/2"})
    assert (refused.status, refused.code) == (403, "sign-in-too-old")
    assert "sign in again" in refused.json["detail"]
    assert (await portal.ask(old, "POST", f"{path}/secrets", {})).code == "sign-in-too-old"
    subscription = {
        "system": "alpha",
        "name": "x",
        "service": SERVICE,
        "major": 1,
        "events": [EVENT],
        "purpose": PURPOSE,
    }
    to_endpoint = {**subscription, "delivery": {"kind": "webhook", "endpoint": made.json["id"]}}
    assert (await portal.ask(old, "POST", "/subscriptions", to_endpoint)).code == "sign-in-too-old"
    assert (await portal.ask(old, "POST", f"{path}/pause", {})).status == 200  # what stops data may be done at once
    assert (await portal.ask(old, "GET", path)).json["url"] == URL


async def test_a_developer_subscribes_and_sees_the_filter_but_receives_no_event(portal: Portal) -> None:
    token = await portal.signed_in("developer")
    body = {
        "system": "alpha", "name": "Sinh", "service": SERVICE, "major": 1, "events": [EVENT], "purpose": PURPOSE,
        "filter": "tinh == '22'", "delivery": {"kind": "pull"},
    }  # fmt: skip
    made = await portal.ask(token, "POST", "/subscriptions", body)
    assert made.status == 201, made.body
    path = f"/subscriptions/{made.json['id']}"
    assert (made.json["consumer"], made.json["filter"]) == ("alpha", body["filter"])
    seen = await portal.ask(await portal.signed_in("operator"), "GET", path)
    assert (seen.json["filtered"], "filter" in seen.json) == (True, False)
    assert (await portal.ask(token, "GET", f"{path}/events")).code == "not-found"  # people's data is the system's alone
    assert (await portal.ask(token, "POST", f"{path}/pause", {})).json["state"] == "paused"
    assert (await portal.ask(token, "POST", f"{path}/resume", {})).json["state"] == "active"
    other = await portal.signed_in("developer", agency="H49.2")
    assert (await portal.ask(other, "GET", path)).code == "not-found"
    assert (await portal.ask(token, "POST", "/subscriptions", {**body, "system": "beta"})).code == "not-granted"
    assert (await portal.ask(token, "DELETE", path)).status == 204


async def test_a_replay_is_counted_before_it_is_asked_for(portal: Portal) -> None:
    token = await portal.signed_in("developer")
    publisher = await Subscribing(portal.bus).start()
    body = {**publisher.wish(), "system": "alpha"}
    path = f"/subscriptions/{(await portal.ask(token, 'POST', '/subscriptions', body)).json['id']}"
    positions = [await publisher.publish() for _ in range(5)]
    await publisher.publish(OTHER_EVENT)
    preview = f"{path}/replay?from={positions[0]}"
    assert (await portal.ask(token, "GET", preview)).json["events"] == 5
    some = await portal.ask(token, "GET", f"{preview}&to={positions[2]}")
    assert (some.json["events"], some.json["to"]) == (3, positions[2])
    assert (await portal.ask(token, "GET", f"{path}/replay?from=2026-01-01T00:00:00%2B07:00")).json["events"] == 5
    assert (await portal.ask(token, "GET", f"{path}/replay?from=gần đây")).code == "malformed"
    operator = await portal.signed_in("operator")
    assert (await portal.ask(operator, "GET", preview)).code == "not-granted"
    await publisher.connection.close()
