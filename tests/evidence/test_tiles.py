"""Proofs from the tiles of the index are those that the whole log gives, however the entries came in."""

import asyncio
import random
from pathlib import Path

import orjson
import pytest
from support.postgres import Postgres
from support.searched import Searched
from support.waits import WORK_SECONDS

from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.evidence.search.store import Index
from lgsp_gateway.evidence.verify import merkle


def unknown_entry(number: int) -> bytes:
    """An entry of a kind that nobody knows, or what is none: each has its place in the tree all the same."""
    return b'{"kind": "of-tomorrow", "number": %d}' % number if number % 50 else b"%d" % number


async def test_every_proof_from_tiles_holds(tmp_path: Path) -> None:
    chance = random.Random(5)
    index = Index(str(tmp_path / "index.db"), writes=True)
    entries: dict[str, list[bytes]] = {"gw-1": [], "gw-2": []}
    trees = {gateway: merkle.Tree() for gateway in entries}
    roots: dict[tuple[str, int], bytes] = {}
    sequence = 0
    async with asyncio.timeout(WORK_SECONDS):
        while trees["gw-1"].size < 70_000:  # more than two levels of tiles
            groups = []
            for _ in range(chance.choice([1, 5, 60])):
                sequence += 1
                gateway = chance.choice(list(entries))
                lines = [unknown_entry(chance.getrandbits(64)) for _ in range(chance.choice([1, 3, 300]))]
                for line in lines:
                    entries[gateway].append(line)
                    trees[gateway].append(line)
                groups.append(Batch(sequence, gateway, b"\n".join(lines)))
            await index.add(groups[0].sequence - 1, groups)
            for gateway, tree in trees.items():
                roots[gateway, tree.size] = tree.root()
    for gateway, tree in trees.items():
        assert await index.size_of(gateway) == tree.size
        sizes = sorted(size for name, size in roots if name == gateway and size)
        for size in {1, *chance.sample(sizes, 12), tree.size} & set(sizes):
            for leaf in {0, size - 1, *(chance.randrange(size) for _ in range(6))}:
                path = await index.inclusion_proof(gateway, size, leaf)
                found = merkle.leaf_hash(entries[gateway][leaf])
                assert merkle.verify_inclusion(roots[gateway, size], size, leaf, found, path), (gateway, size, leaf)
            old = chance.choice([one for one in sizes if one <= size])
            path = await index.consistency_proof(gateway, old, size)
            assert merkle.verify_consistency(roots[gateway, old], old, roots[gateway, size], size, path)
    await index.close()


async def test_a_proof_comes_from_the_index_and_is_what_the_log_says(searched: Searched) -> None:
    bus = searched.bus
    for _ in range(5):
        got = await bus.call()
    await searched.indexed(got.message)
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}
    status = 404
    async with asyncio.timeout(10):
        while status == 404:  # not under a checkpoint yet
            async with bus.session.get(f"/evidence/messages/{got.message}/proof", headers=headers) as answer:
                status, proof = answer.status, await answer.json()
    assert orjson.loads(proof["entry"])["message"] == got.message
    size = int(proof["checkpoint"].split("\n")[1])
    async with bus.session.get(f"/evidence/logs/bench/entries?to={size}", headers=headers) as answer:
        leaves = [merkle.leaf_hash(line) for line in (await answer.read()).splitlines()]
    assert len(leaves) == size
    assert leaves[proof["index"]] == merkle.leaf_hash(proof["entry"].encode())


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_is_forgotten_is_not_found_but_counted(tmp_path: Path, postgres: Postgres, database: str) -> None:
    address = str(tmp_path / "index.db")
    if database == "postgresql":
        address = await postgres.new_database()
    index, day = Index(address, writes=True), 86_400_000
    january = 1_769_000_000_000  # 21 January 2026
    entries = [
        orjson.dumps({
            "message": f"{n:032x}", "time": january + n * day, "gateway": "gw", "consumer": "c", "agency": "a", "service": "s",
            "version": "1.0.0", "operation": "o", "purpose": "", "grant": "g", "subject": "", "onBehalfOf": "",
            "outcome": "answered", "status": 200, "requestSize": 1, "answerSize": 1, "providerMs": 1.0, "totalMs": 1.0, "trace": "",
        })
        for n in range(100)
    ]  # fmt: skip
    await index.add(0, [Batch(1, "gw", b"\n".join(entries))])
    await index.prune_messages((january + 50 * day) / 1000)
    left = (await index.search(Search({}, {}, limit=1000))).items
    assert {item["time"] for item in left} >= {january + n * day for n in range(50, 100)}
    assert len(left) < 100
    assert sum(row["calls"] for row in await index.statistics("", "")) == 100
    assert await index.size_of("gw") == 100
    await index.close()
