"""The key of the evidence is changed while gateways answer: no call is refused, and the log goes on as one that anybody can follow."""

import asyncio
import itertools
from pathlib import Path

import pytest
from support.preloaded import run
from support.waits import eventually, until_set
from support.workbench import Workbench

from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.log_part import verify_log_part
from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.evidence.verify.signers import FileLogKey, Signer, succeed
from lgsp_gateway.evidence.verify.succession import Succession
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import Refusal

ORIGIN = "lgsp/gw-1"
SEEDS = [bytes([number]) * 32 for number in (1, 2, 3)]


def signer(*seeds: bytes) -> Signer:
    """Who signs after the keys before the last one have each vouched for the next."""
    keys = [FileLogKey(seed) for seed in seeds]
    chain = tuple(succeed(old, new.public) for old, new in itertools.pairwise(keys))
    return Signer(ORIGIN, keys[-1], chain)


def trusted(seed: bytes) -> LogKeys:
    return LogKeys([VerifierKey(ORIGIN, FileLogKey(seed).public)])


def log(*signers: Signer) -> tuple[list[bytes], list[str]]:
    """A log with one more entry for each who signs: its entries and its checkpoints."""
    tree, entries, notes = Tree(), [], []
    for number, one in enumerate(signers):
        entries.append(f"entry {number}".encode())
        tree.append(entries[-1])
        notes.append(one.sign(tree.size, tree.root()))
    return entries, notes


def test_whoever_has_the_first_key_follows_the_log_over_two_rotations() -> None:
    entries, notes = log(signer(SEEDS[0]), signer(*SEEDS[:2]), signer(*SEEDS))
    assert verify_log_part(entries, notes, trusted(SEEDS[0])).size == 3
    both = LogKeys.group([VerifierKey(ORIGIN, FileLogKey(seed).public) for seed in reversed(SEEDS)])
    assert len(both) == 1
    assert verify_log_part(entries, notes, both[0]).size == 3


def test_a_key_that_the_old_one_has_not_signed_is_no_successor() -> None:
    old, thief = FileLogKey(SEEDS[0]), FileLogKey(SEEDS[2])
    forged = Succession(old.public, thief.public, thief.sign(b"anything"))
    _, notes = log(Signer(ORIGIN, thief, (forged,)))
    with pytest.raises(Refusal):
        trusted(SEEDS[0]).verify(notes[0])


def test_the_old_key_signs_nothing_any_more() -> None:
    entries, notes = log(signer(SEEDS[0]), signer(*SEEDS[:2]), signer(SEEDS[0]))
    with pytest.raises(Refusal, match="old key"):
        verify_log_part(entries, notes, trusted(SEEDS[0]))
    chain = (succeed(FileLogKey(SEEDS[0]), FileLogKey(SEEDS[1]).public),)
    _, notes = log(Signer(ORIGIN, SEEDS[0], chain))  # it names its successor, and signs itself
    with pytest.raises(Refusal, match="not signed"):
        trusted(SEEDS[0]).verify(notes[0])


async def lgsp(*arguments: str) -> str:
    """Run a command of lgsp to its end: what it printed."""
    code, output, said = await run(*arguments)
    assert code == 0, output + said
    return output


async def test_log_and_storage_keys_change_under_load_and_no_call_is_refused(tmp_path: Path) -> None:
    bus = await Workbench(tmp_path).start()
    try:
        await bus.serve()
        auditor = {"Authorization": f"Bearer {bus.token('auditor')}"}
        assert (await bus.call()).status == 200
        before = await eventually(lambda: keys_of(bus))
        stop, statuses = asyncio.Event(), list[int]()

        async def call() -> None:
            for _ in until_set(stop):
                statuses.append((await bus.call()).status)

        callers = [asyncio.create_task(call()) for _ in range(4)]
        await eventually(lambda: len(statuses) > 50)
        for command in ("rotate-log", "rotate-storage", "rotate-webhooks", "rotate"):
            await lgsp("keys", command, "--keys", str(bus.state.keys))

        async def signs_anew() -> bool:
            async with bus.session.get("/evidence/logs", headers=auditor) as answer:
                logs = {one["gateway"]: one["checkpoint"] for one in (await answer.json())["items"]}
            return "\nsuccessor " in logs["bench"]

        await eventually(signs_anew)
        stop.set()
        await asyncio.gather(*callers)
        assert set(statuses) == {200}

        async def lists_the_new_key() -> bool:
            return before < await keys_of(bus)

        await eventually(lists_the_new_key)  # the list is served again for a second
        (tmp_path / "keys.txt").write_text("".join(f"{key}\n" for key in sorted(before)))
        await lgsp(
            *("evidence", "verify", "--key", str(tmp_path / "keys.txt")),
            *("--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")),
        )
        await bus.gateway.stop()
        await bus.gateway.start()  # and it continues the log
        await bus.ready()
        assert (await bus.call()).status == 200
    finally:
        await bus.stop()


async def keys_of(bus: Workbench) -> set[str]:
    async with bus.session.get("/evidence/keys") as answer:
        return set((await answer.text()).split())
