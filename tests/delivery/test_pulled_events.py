"""Events that subscribers fetch themselves: shared by workers, in order, and again until they are acknowledged."""

import asyncio
from typing import Any

from support.subscribing import Subscribing
from support.waits import SECONDS, eventually, until_set


async def test_several_workers_share_a_subscription(events: Subscribing) -> None:
    made = await events.subscribe()
    names = [f"w-{number}" for number in range(30)]
    taken: list[str] = []
    done = asyncio.Event()

    async def work() -> None:
        for _ in until_set(done):
            items = await events.pull(made["id"], limit=3, wait=1)
            taken.extend(item["event"]["data"]["maHoSo"] for item in items)
            await events.acknowledge(made["id"], items)

    async with asyncio.TaskGroup() as workers:
        for _ in range(4):
            workers.create_task(work())
        for one in names:
            await events.publish(maHoSo=one)
        await eventually(lambda: len(taken) >= len(names))
        done.set()
    assert sorted(taken) == sorted(names), "each once"
    await events.ask("DELETE", f"/{made['id']}")


async def test_pulled_events_of_a_key_wait_for_the_one_before(events: Subscribing) -> None:
    made = await events.subscribe()
    for number in range(3):
        await events.publish(maHoSo="ordered", can=number)
    await events.publish(maHoSo="other")
    seen: list[dict[str, Any]] = []

    async def has_both() -> bool:
        seen.extend(await events.pull(made["id"], wait=1))
        return len(seen) >= 2

    await eventually(has_both, within=SECONDS)
    assert sorted(item["event"]["data"]["maHoSo"] for item in seen) == ["ordered", "other"]
    for number in (1, 2):
        await events.acknowledge(made["id"], seen)
        seen = await events.pull(made["id"])
        assert [item["event"]["data"]["can"] for item in seen] == [number]
    await events.acknowledge(made["id"], seen)
    await events.ask("DELETE", f"/{made['id']}")


async def test_what_is_not_acknowledged_comes_again(events: Subscribing) -> None:
    made = await events.subscribe(delivery={"kind": "pull", "visibility": 1})
    await events.publish(maHoSo="twice")
    [first] = await events.pull(made["id"])
    [second] = await events.pull(made["id"])
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert first["event"]["id"] == second["event"]["id"]
    given = await events.ask("POST", f"/{made['id']}/acknowledgements", {"giveBack": [{"token": second["token"]}]})
    assert given.json["givenBack"] == 1
    [third] = await events.pull(made["id"])
    assert third["attempt"] == 3
    await events.acknowledge(made["id"], [third])
    assert await events.pull(made["id"], wait=1) == []
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_repeated_acknowledgement_keeps_nothing_out_of_a_replay(events: Subscribing) -> None:
    made = await events.subscribe()
    position = await events.publish(maHoSo="again")
    [item] = await events.pull(made["id"])
    for _ in range(2):  # as a worker does that got no answer
        await events.acknowledge(made["id"], [item])
    await events.ask("POST", f"/{made['id']}/replay", {"from": position})
    await events.acknowledge(made["id"], [item])

    async def comes_again() -> bool:
        return [one["event"]["data"]["maHoSo"] for one in await events.pull(made["id"], wait=2)] == ["again"]

    await eventually(comes_again)
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_token_is_worth_nothing_to_another_consumer(events: Subscribing) -> None:
    made, others = await events.subscribe(), await events.subscribe(system="beta")
    await events.publish(maHoSo="mine")
    [item] = await events.pull(made["id"])
    stolen = await events.acknowledge(others["id"], [item], system="beta")
    assert stolen.json == {"acknowledged": 0, "givenBack": 0, "unknown": [item["token"]]}
    assert (await events.acknowledge(made["id"], [item], system="beta")).code == "not-found"
    [again] = await events.pull(others["id"], system="beta")
    assert again["event"]["data"]["maHoSo"] == "mine"
    await events.acknowledge(made["id"], [item])
    for one, system in ((made, "alpha"), (others, "beta")):
        await events.ask("DELETE", f"/{one['id']}", system=system)
