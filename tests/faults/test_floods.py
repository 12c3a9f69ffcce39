"""A flood of forged tokens: limited at its source, without disk, and good callers go on."""

import asyncio
import time

from support.waits import WORK_SECONDS, eventually, until_set
from support.workbench import NUMBER, Workbench

ROUNDS = 5
"""At most: what else the machine does slows one half of a round more than the other, and seldom the same half five times."""


async def rate(bus: Workbench, seconds: float) -> float:
    """Calls a second of eight good callers."""
    done, until = 0, time.monotonic() + seconds

    async def load() -> None:
        nonlocal done
        async with asyncio.timeout(WORK_SECONDS):
            while time.monotonic() < until:
                assert (await bus.call()).status == 200
                done += 1

    await asyncio.gather(*(load() for _ in range(8)))
    return done / seconds


async def test_good_callers_keep_half_their_rate_in_a_flood_from_their_own_address(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    await bus.serve()
    entries = len(await bus.entries())
    statuses: list[int] = []
    flooding, stop = asyncio.Event(), asyncio.Event()

    async def forge(number: int) -> None:
        for _ in until_set(stop):
            await flooding.wait()
            got = await bus.call(headers={"Authorization": f"Bearer a.{number}.{len(statuses)}"})
            statuses.append(got.status)

    flood = [asyncio.create_task(forge(number)) for number in range(64)]
    rates = []
    for _ in range(ROUNDS):
        flooding.clear()
        alone = await rate(bus, 0.8)
        flooding.set()
        await eventually(lambda: statuses.count(429) >= 1)
        rates.append((alone, await rate(bus, 0.8)))
        if rates[-1][1] >= alone / 2:
            break
    stop.set()
    await asyncio.gather(*flood)
    assert rates[-1][1] >= rates[-1][0] / 2, f"calls a second alone and beside the flood: {rates}"
    assert set(statuses) == {401, 429}
    assert statuses.count(401) < 400
    written = [entry for entry in (await bus.entries())[entries:] if entry["status"] in (401, 429)]
    assert written == []
    async with bus.session.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    [counted] = [line for line in lines if line.startswith("lgsp_unidentified_calls_total")]
    assert float(counted.split()[1]) == len(statuses)


async def test_a_refused_flooder_is_told_when_to_come_back(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    answers = await asyncio.gather(*(bus.call(headers={"Authorization": f"Bearer a.b.{n}"}) for n in range(300)))
    late = [got for got in answers if got.status == 429]
    assert late
    assert late[0].code == "too-many-attempts"
    assert int(late[0].headers["Retry-After"]) > 0


async def test_guessing_secrets_is_limited_too(breakable_bus: Workbench) -> None:
    async def guess(number: int) -> int:
        form = {"grant_type": "client_credentials", "client_id": "alpha", "client_secret": f"guess {number}"}
        async with breakable_bus.session.post("/oauth2/token", data=form) as answer:
            return answer.status

    statuses = await asyncio.gather(*(guess(number) for number in range(300)))
    assert set(statuses) == {401, 429}
    assert statuses.count(401) < 200


async def test_calls_that_nobody_granted_fill_no_disk(breakable_bus: Workbench) -> None:
    """No quota counts them: what one system is refused is written down up to a rate, and others feel nothing."""
    bus = breakable_bus
    await bus.serve()
    before = len(await bus.entries())
    refused = await asyncio.gather(*(bus.call("read", system="gamma") for _ in range(400)))
    codes = {got.code for got in refused}
    assert codes == {"not-granted", "too-many-attempts"}
    late = next(got for got in refused if got.code == "too-many-attempts")
    assert int(late.headers["Retry-After"]) > 0
    assert "kiểm tra quyền" in late.json["detail"]
    assert 100 <= len(await bus.entries()) - before < 250
    assert (await bus.call()).status == 200


async def test_requests_without_a_token_hold_up_nobody_at_their_address(bus: Workbench) -> None:
    """Nothing is checked for them, so nothing is counted: whoever shares the address still shows a token for the first time."""
    bus.forget_tokens()
    refused = await asyncio.gather(*(_without_a_token(bus) for _ in range(300)))
    assert set(refused) == {401}
    assert (await bus.call("read", {"soDinhDanh": NUMBER}, system="beta")).code != "too-many-attempts"


async def _without_a_token(bus: Workbench) -> int:
    async with bus.session.get("/registry/grants") as answer:
        return answer.status
