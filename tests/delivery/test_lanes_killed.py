"""Gateways and the server are killed while lanes deliver: nothing is lost, each key keeps its order, repetitions are counted."""

import asyncio
import json
import os
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from nats.aio.client import Client
from support.jetstream import JetStreamServer, make_stream
from support.processes import ROOT, Process
from support.waits import WORK_SECONDS, eventually

from lgsp_gateway.delivery.storage.group_commit import GroupCommit, NewMessage

KEYS, OF_EACH = 50, 100
SEED = int(os.environ.get("LGSP_TEST_SEED", "0")) or random.randrange(1, 1_000_000)


def gateway(server: JetStreamServer, name: str, folder: Path, *ledger: str) -> Process:
    command = [sys.executable, "-m", "support.lane_process", server.url, name, *ledger]
    return Process(command, folder / f"{name}.log", {"PYTHONPATH": str(ROOT / "tests")})


async def publish(server: JetStreamServer) -> None:
    """Store messages of many keys."""
    async with server.bus() as (bus, _):
        store = GroupCommit(bus, "W")
        numbered = [(key, number) for number in range(OF_EACH) for key in range(KEYS)]
        await asyncio.gather(*(store.publish(NewMessage(f"w.k{k}", f"k{k}/{n}".encode())) for k, n in numbered))


def read(ledger: Path) -> dict[str, list[int]]:
    """What was done, of each key in its order."""
    numbers = defaultdict[str, list[int]](list)
    for line in ledger.read_text().splitlines() if ledger.exists() else ():
        key, number = line.split()[0].split("/")
        numbers[key].append(int(number))
    return numbers


@pytest.mark.long
async def test_order_is_kept_while_gateways_and_server_are_killed(
    server: JetStreamServer, client: Client, tmp_path: Path
) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    await make_stream(client, "W", "w.>", retention="workqueue")
    await publish(server)
    ledger = tmp_path / "ledger"
    gateways = [gateway(server, name, tmp_path, str(ledger)) for name in ("a", "b")]
    for one in gateways:
        await one.start()
    kills: list[str] = []
    last = 0
    async with asyncio.timeout(240):
        while sum(len(set(numbers)) for numbers in read(ledger).values()) < KEYS * OF_EACH:
            done = sum(map(len, read(ledger).values()))
            if done - last > 400 and len(kills) < 9:
                last = done
                victim = draw.choice(["server", "a", "b"])
                kills.append(f"{victim}@{done} {time.time():.3f}")
                if victim == "server":
                    await server.kill()
                else:
                    process = gateways["ab".index(victim)]
                    await process.kill()
                    await process.start()
            await asyncio.sleep(0.02)
    for one in gateways:
        await one.stop()
    numbers = read(ledger)
    first_time = {key: list(dict.fromkeys(done)) for key, done in numbers.items()}
    repeated = sum(map(len, numbers.values())) - KEYS * OF_EACH
    for key, done in numbers.items():
        if list(dict.fromkeys(done)) != list(range(OF_EACH)):
            lines = [line for line in ledger.read_text().splitlines() if line.startswith(key + "/")]
            wrong = next(i for i in range(1, len(done)) if done[i] > max(done[:i]) + 1)
            print(key, lines[wrong - 3 : wrong + 8])
    print(f"killed {kills}; {repeated} of {KEYS * OF_EACH} were repeated")
    assert first_time == {f"k{key}": list(range(OF_EACH)) for key in range(KEYS)}
    assert repeated <= len(kills) * 150


@pytest.mark.long
async def test_what_is_under_way_does_not_grow_with_each_gateway_that_is_killed(
    server: JetStreamServer, client: Client, tmp_path: Path
) -> None:
    await make_stream(client, "W", "w.>", retention="workqueue")
    await publish(server)
    under_way: list[int] = []
    pins = {""}
    for number in range(4):
        process = await gateway(server, f"stuck-{number}", tmp_path).start()
        seen: list[tuple[str, int]] = []

        async def has_taken_over(seen: list[tuple[str, int]] = seen) -> bool:
            """Another gateway has the lane, and what is under way has not changed for a while."""
            info = json.loads((await client.request("$JS.API.CONSUMER.INFO.W.lane")).data)
            if "error" not in info:
                seen.append((info["priority_groups"][0].get("pinned_client_id", ""), info["num_ack_pending"]))
            return len(seen) > 30 and len(set(seen[-30:])) == 1 and seen[-1][0] not in pins

        await eventually(has_taken_over, within=WORK_SECONDS)
        pins.add(seen[-1][0])
        under_way.append(seen[-1][1])
        await process.kill()
    print(under_way)
    assert max(under_way) < 2 * under_way[0] + 200
