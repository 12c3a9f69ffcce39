"""Trials are counted apart: whoever only tries takes neither calls from the system nor its refusals from the evidence."""

import asyncio
import secrets
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.console import Officials
from support.workbench import NUMBER, Got, Workbench, document, grant


class Trying:
    """A developer of an agency, and a system of it with a grant."""

    def __init__(self, bus: Workbench, system: str, token: str) -> None:
        self.bus, self.system, self.token = bus, system, token

    @classmethod
    async def begin(cls, bus: Workbench, **quota: Any) -> "Trying":
        system = f"tried-{secrets.token_hex(4)}"
        made = document("System", system, agency="H49.1", title={"vi": "Thử", "en": "Try"})
        assert (await bus.registry("POST", "systems", made)).status == 201
        granted = grant(system, system, read=["*"])
        granted["spec"] |= {"quota": quota} if quota else {}
        assert (await bus.registry("POST", "grants", granted)).status == 201
        return cls(bus, system, (await Officials(bus).signed_in("developer")).token)

    async def trial(self, **headers: str) -> Got:
        path = f"/catalog/services/desk/v1/operations/read/try?sandbox=true&grant={self.system}"
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return await self.bus.ask("POST", path, {"soDinhDanh": NUMBER}, headers=sent)


async def test_trials_use_up_none_of_the_calls_of_the_system(bus: Workbench) -> None:
    trying = await Trying.begin(bus, requests=2, per="day")
    served = await bus.serve(trials="also")
    assert [(await trying.trial()).status for _ in range(3)] == [200, 200, 429]
    assert (await bus.call(system=trying.system)).status == 200
    await bus.unserve(served)


async def test_refused_trials_keep_no_refusal_of_the_system_out_of_the_evidence(bus: Workbench) -> None:
    trying, other = await Trying.begin(bus), {"Lgsp-Purpose": "tra-cuu-khac"}
    refused: list[Got] = []

    async def flood() -> None:
        async with asyncio.timeout(20):
            while len(refused) < 10:
                await trying.trial(**other)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        assert {(await trying.trial(**other)).code for _ in range(150)} == {"purpose-not-granted", "too-many-attempts"}
        for _ in range(20):
            tasks.create_task(flood())
        while len(refused) < 10:
            refused.append(await bus.call(system=trying.system, headers=other))
    assert [one.code for one in refused] == ["purpose-not-granted"] * 10
    written = {one["message"] for one in await bus.entries() if one.get("outcome") == "purpose-not-granted"}
    assert {one.headers["Lgsp-Message-Id"] for one in refused} <= written


async def test_trials_are_counted_apart_from_calls(bus: Workbench) -> None:
    trying = await Trying.begin(bus)

    async def counted(metric: str) -> float:
        async with bus.session.get("/metrics") as answer:
            told = text_string_to_metric_families(await answer.text())
        labels = {"service": "desk", "operation": "read", "outcome": "answered"}
        samples = [one for family in told for one in family.samples if one.name == metric]
        return sum(one.value for one in samples if labels.items() <= one.labels.items())

    served = await bus.serve(trials="also")
    before = await counted("lgsp_calls_total"), await counted("lgsp_trials_total")
    assert (await trying.trial()).status == 200
    assert (await counted("lgsp_calls_total"), await counted("lgsp_trials_total")) == (before[0], before[1] + 1)
    assert (await bus.call(system=trying.system)).status == 200
    assert (await counted("lgsp_calls_total"), await counted("lgsp_trials_total")) == (before[0] + 1, before[1] + 1)
    await bus.unserve(served)
