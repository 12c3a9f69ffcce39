"""The life of a grant and of a suspension, over HTTP: who takes which step, and what the next call gets."""

import asyncio
import datetime
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.preloaded import run
from support.workbench import NUMBER, Got, Workbench, document, grant

from lgsp_contracts.time_zone import VIETNAM

PERSONAL = {"read_person": ["*"]}
PURPOSE = {"Lgsp-Purpose": "thu-nghiem", "Accept-Language": "en"}


class Asked:
    """The grant `asked` of system `asker`, whose agency is not the provider's."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus

    async def request(self, system: str = "asker", **operations: list[str]) -> Got:
        sent = grant("asked", "asker", **(operations or {"read": ["*"]}))
        last = await self.bus.registry("GET", "grants/asked")
        condition = {"If-Match": last.headers["ETag"]} if last.status == 200 else {"If-None-Match": "*"}
        return await self.bus.registry("PUT", "grants/asked", sent, system=system, headers=condition)

    async def act(self, action: str, system: str, **said: str) -> Got:
        return await self.bus.registry("POST", f"grants/asked/{action}", said, system=system)

    async def phase(self) -> str:
        found: str = (await self.bus.registry("GET", "grants/asked")).json.get("status", {}).get("phase", "in-force")
        return found

    async def call(self, operation: str = "read") -> Got:
        return await self.bus.call(operation, system="asker", headers=PURPOSE)

    async def remove(self) -> None:
        last = await self.bus.registry("GET", "grants/asked")
        if last.status == 200:
            await self.bus.registry("DELETE", "grants/asked", headers={"If-Match": last.headers["ETag"]})


@pytest_asyncio.fixture
async def asked(bus: Workbench) -> AsyncIterator[Asked]:
    adapter = await bus.serve()
    yield (found := Asked(bus))
    await found.remove()
    await bus.unserve(adapter)


async def test_requested_approved_suspended_resumed_revoked(asked: Asked) -> None:
    requested = await asked.request()
    assert (requested.status, requested.json["status"]) == (201, {"phase": "requested", "requestedBy": "asker"})
    assert (await asked.call()).code == "not-granted"
    assert (await asked.act("approve", "asker")).code == "not-granted"
    approved = await asked.act("approve", "agency-admin")
    assert approved.json["status"]["phase"] == "in-force"
    assert approved.json["status"]["approvedBy"] == ["agency-admin"]
    assert (await asked.call()).status == 200

    assert (await asked.act("suspend", "agency-admin")).code == "malformed"
    suspended = await asked.act("suspend", "agency-admin", reason="lạm dụng", until="2040-01-31")
    assert suspended.json["status"]["until"] == "2040-01-31"
    got = await asked.call()
    assert (got.status, got.code) == (403, "grant-suspended")
    assert "until 2040-01-31" in got.json["detail"]
    vietnamese = await asked.bus.call("read", system="asker", headers={**PURPOSE, "Accept-Language": "vi"})
    assert "lạm dụng" in vietnamese.json["detail"]
    assert (await asked.act("resume", "agency-admin")).status == 200
    assert (await asked.call()).status == 200

    assert (await asked.act("revoke", "agency-admin", reason="hết nhu cầu")).status == 200
    assert (await asked.call()).code == "not-granted"
    assert (await asked.act("resume", "operator")).code == "step-not-allowed"
    assert (await asked.request("operator")).code == "step-not-allowed"
    history = (await asked.bus.registry("GET", "grants/asked/history", system="asker")).json["items"]
    phases = [version["status"]["phase"] for version in history if version["spec"]][:5]
    assert phases == ["revoked", "in-force", "suspended", "in-force", "requested"]
    assert history[0]["metadata"]["reason"] == "hết nhu cầu"


async def test_a_refusal_says_for_whom_a_request_waits(asked: Asked) -> None:
    today = datetime.datetime.now(VIETNAM).date().isoformat()
    await asked.request(**PERSONAL)
    refused = await asked.call("read-person")
    assert refused.code == "not-granted"
    assert refused.json["detail"] == (
        f"System asker may not call desk v1/read-person now: grant asked, requested on {today}, "
        "waits for the provider: Try (H49.1)."
    )
    assert "holds no grant" in (await asked.call("read")).json["detail"]  # which was not requested
    other = await asked.bus.call("read-person", system="beta", headers=PURPOSE)
    assert "asked" not in other.json["detail"]

    await asked.act("approve", "agency-admin")
    assert "waits for an operator of the bus" in (await asked.call("read-person")).json["detail"]
    await asked.act("deny", "operator", reason="thiếu căn cứ")
    assert f"denied on {today} (thiếu căn cứ)" in (await asked.call("read-person")).json["detail"]
    other = await asked.bus.call("read-person", system="beta", headers=PURPOSE)
    assert "thiếu căn cứ" not in other.json["detail"]  # the reason is for the consumer alone
    await asked.remove()
    assert "holds no grant" in (await asked.call("read-person")).json["detail"]


async def test_a_refusal_says_that_a_grant_ended_or_was_revoked(asked: Asked) -> None:
    sent = grant("asked", "asker", read=["*"])
    for begins, ends, words in (
        ("2020-01-01", "2021-01-31", "was valid until 2021-01-31"),
        ("2039-05-01", "2040-01-01", "is valid from 2039-05-01"),
    ):
        sent["spec"] |= {"validFrom": begins, "validUntil": ends}
        assert (await asked.bus.registry("POST", "grants", sent)).status == 201
        assert words in (await asked.call()).json["detail"]
        await asked.remove()
    await asked.request()
    await asked.act("approve", "agency-admin")
    await asked.act("revoke", "agency-admin", reason="hết nhu cầu")
    refused = (await asked.call()).json["detail"]
    assert "revoked on" in refused
    assert "hết nhu cầu" in refused


async def test_a_suspension_says_who_suspended(asked: Asked) -> None:
    await asked.request()
    await asked.act("approve", "agency-admin")
    for system, words in (("operator", "by an operator of the bus"), ("agency-admin", "by the provider")):
        await asked.act("suspend", system, reason="kiểm tra")
        assert words in (await asked.call()).json["detail"]
        await asked.act("resume", "agency-admin")


async def test_personal_data_needs_a_second_person(asked: Asked) -> None:
    await asked.request(**PERSONAL)
    assert (await asked.act("approve", "agency-admin")).json["status"]["phase"] == "awaiting-operator"
    assert (await asked.call("read-person")).code == "not-granted"
    assert (await asked.act("approve", "agency-admin")).code == "not-granted"
    assert (await asked.act("approve", "operator")).json["status"]["phase"] == "in-force"
    assert (await asked.call("read-person")).status == 200

    await asked.remove()
    await asked.request(**PERSONAL)
    assert (await asked.act("approve", "operator")).json["status"]["phase"] == "awaiting-provider"
    for operator in ("operator", "operator-2"):
        again = await asked.act("approve", operator)
        assert (again.code, await asked.phase()) == ("not-granted", "awaiting-provider")
    assert (await asked.act("approve", "agency-admin")).json["status"]["phase"] == "in-force"

    widened = await asked.request("agency-admin", read_person=["*"], read=["*"])
    assert widened.json["status"]["phase"] == "awaiting-operator"
    assert (await asked.call("read-person")).code == "not-granted"


async def test_denied_and_asked_again(asked: Asked) -> None:
    await asked.request()
    denied = await asked.act("deny", "agency-admin", reason="thiếu căn cứ")
    assert (denied.json["status"]["phase"], denied.json["status"]["reason"]) == ("denied", "thiếu căn cứ")
    assert (await asked.request(read=["/ketQua"])).json["status"]["phase"] == "requested"
    await asked.act("approve", "agency-admin")
    assert (await asked.request(read=["*"])).code == "not-granted"


@pytest.mark.parametrize("system", ["integrator", "auditor", "alpha", "asker"])
async def test_nobody_else_decides(asked: Asked, system: str) -> None:
    await asked.request()
    for action in ("approve", "deny", "suspend", "resume", "revoke"):
        got = await asked.act(action, system, reason="x")
        assert got.code in ("not-granted", "not-found")
    assert await asked.phase() == "requested"


async def test_nobody_asks_for_somebody_else(bus: Workbench) -> None:
    for system, consumer in (("asker", "alpha"), ("auditor", "auditor"), ("integrator", "alpha"), ("alpha", "alpha")):
        got = await bus.registry("POST", "grants", grant("stolen", consumer, read=["*"]), system=system)
        assert got.code == "not-granted"


async def test_expiring_grants_are_listed(bus: Workbench) -> None:
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))).date()
    made = []
    for days in (10, 40):
        sent = grant(f"ends-{days}", "gamma", read=["*"])
        sent["spec"]["validUntil"] = (today + datetime.timedelta(days=days)).isoformat()
        made.append(await bus.registry("POST", "grants", sent))
    found = (await bus.registry("GET", "grants?expiringWithin=30")).json["items"]
    assert [item["metadata"]["name"] for item in found] == ["ends-10"]
    assert (await bus.registry("GET", "grants?expiringWithin=x")).code == "malformed"
    for got in made:
        name = got.json["metadata"]["name"]
        await bus.registry("DELETE", f"grants/{name}", headers={"If-Match": got.headers["ETag"]})


def in_days(days: int) -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)).isoformat()


@pytest_asyncio.fixture
async def desk(bus: Workbench) -> AsyncIterator[Any]:
    adapter = await bus.serve()

    async def act(action: str, system: str = "agency-admin", **said: str) -> Got:
        return await bus.registry("POST", f"services/desk-v1/{action}", said, system=system)

    yield act
    await act("resume")
    await bus.unserve(adapter)


async def test_a_service_is_suspended_at_once(bus: Workbench, desk: Any) -> None:
    assert (await desk("suspend", reason="sự cố", until=in_days(1))).status == 200
    got = await bus.call(headers={"Accept-Language": "vi"})
    assert (got.status, got.code) == (503, "service-suspended")
    assert "sự cố" in got.json["detail"]
    assert 86000 < int(got.headers["Retry-After"]) <= 86401
    assert (await bus.call(system="gamma")).code == "not-granted"
    assert (await desk("resume")).status == 200
    assert (await bus.call()).status == 200


async def test_a_planned_suspension_is_announced_seven_working_days_ahead(bus: Workbench, desk: Any) -> None:
    early = await desk("suspend", reason="nâng cấp", since=in_days(8), until=in_days(9))
    assert early.code == "malformed"
    assert "7 working days" in early.json["detail"]
    assert (await desk("suspend", reason="nâng cấp", since=in_days(20))).code == "malformed"
    assert (await desk("suspend", reason="nâng cấp", since=in_days(20), until=in_days(19))).code == "malformed"
    assert (await desk("suspend", since=in_days(20), until=in_days(21))).code == "malformed"
    assert (await desk("suspend", reason="x", since="soon", until=in_days(21))).code == "malformed"
    assert (await desk("suspend", reason="nâng cấp", since=in_days(20), until=in_days(21))).status == 200
    got = await bus.call()
    assert got.status == 200
    since, until = (datetime.datetime.fromisoformat(part) for part in got.headers["Lgsp-Suspension"].split("/"))
    assert until - since == datetime.timedelta(days=1)
    async with bus.session.get("/catalog/services", headers={"Authorization": f"Bearer {bus.token('beta')}"}) as answer:
        [item] = (await answer.json())["items"]
    assert "Lgsp-Suspension" in item["notice"]


async def test_a_suspension_is_announced_in_an_event(bus: Workbench, desk: Any) -> None:
    headers = {"Authorization": f"Bearer {bus.token('beta')}"}
    async with bus.session.get("/catalog/events", headers=headers) as events:
        assert (await desk("suspend", reason="nâng cấp", since=in_days(20), until=in_days(21))).status == 200
        async with asyncio.timeout(10):
            async for line in events.content:
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    break
    assert (event["specversion"], event["type"]) == ("1.0", "lgsp.service.changed")
    assert event["data"]["service"] == "desk"
    assert "Lgsp-Suspension" in event["data"]["notice"]


@pytest.mark.parametrize("system", ["auditor", "developer", "alpha", "asker"])
async def test_only_the_provider_suspends(desk: Any, system: str) -> None:
    assert (await desk("suspend", system, reason="x")).code in ("not-granted", "not-found")


async def test_a_changed_document_keeps_its_suspension(bus: Workbench, desk: Any) -> None:
    await desk("suspend", reason="sự cố")
    last = await bus.registry("GET", "services/desk-v1")
    sent = document("Service", "desk-v1", **last.json["spec"])
    put = await bus.registry("PUT", "services/desk-v1", sent, headers={"If-Match": last.headers["ETag"]})
    assert put.status == 200
    got = await bus.call("read", {"soDinhDanh": NUMBER})
    assert got.code == "service-suspended"
    assert "Retry-After" not in got.headers


async def test_another_grant_on_the_same_calls_is_pointed_out(asked: Asked) -> None:
    await asked.request()
    await asked.act("approve", "agency-admin")
    second = grant("asked-second", "asker", read=["/ketQua"])
    try:
        assert (await asked.bus.registry("POST", "grants", second, system="asker")).status == 201
        where = ("--url", f"http://127.0.0.1:{asked.bus.port}", "--token", asked.bus.token("agency-admin"))
        code, out, err = await run("grant", "approve", "asked-second", *where)
        assert code == 0, err
        assert "grant asked of this consumer covers read for thu-nghiem too" in out
        await asked.act("suspend", "agency-admin", reason="kiểm tra")
        assert (await asked.call()).status == 200  # the second one allows it
        body = {"reason": "kiểm tra"}
        await asked.bus.registry("POST", "grants/asked-second/suspend", body, system="agency-admin")
        assert (await asked.call()).code == "grant-suspended"
    finally:
        last = await asked.bus.registry("GET", "grants/asked-second")
        await asked.bus.registry("DELETE", "grants/asked-second", headers={"If-Match": last.headers["ETag"]})


async def test_the_command_names_the_option_that_is_missing_or_too_old(asked: Asked) -> None:
    requested = await asked.request()
    where = ("--url", f"http://127.0.0.1:{asked.bus.port}", "--token", asked.bus.token("agency-admin"))
    code, _, err = await run("grant", "deny", "asked", *where)
    assert (code != 0, '--reason "…"' in err) == (True, True), err
    old = str(requested.json["metadata"]["revision"] - 1)
    code, _, err = await run("grant", "approve", "asked", "--revision", old, *where)
    assert (code != 0, "--revision" in err) == (True, True), err
    assert await asked.phase() == "requested"
