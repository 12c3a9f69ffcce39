"""The whole call, loaded by wrk beside the baseline. `./lgsp bench run`; medians of rounds taken in turns, never asserted."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.workbench import Workbench

from bench import history
from bench.load import COPY, VERIFY, Target, baseline, bench_up, gateway_under_load, in_turns, load, ratio
from bench.registry_size import fill
from lgsp_gateway.cli.bench_commands import FLAME

PATH = "/services/bench/v1/"
DESK = "/services/desk/v1/read"
BODY = '{"soDinhDanh":"022093001234"}'
ROUNDS = 5
MANY = 1_000_000_000
"""Calls an hour that a grant allows where its quota is not to be what is measured."""


@pytest_asyncio.fixture(scope="module")
async def sides(tmp_path_factory: Any) -> Any:
    """A bus and the baseline, both up; the one that is not loaded is idle."""
    folder = tmp_path_factory.mktemp("bench")
    async with bench_up(folder) as ours, baseline(folder) as plain:
        yield folder, ours, plain


async def test_the_call_at_64_connections(sides: Any) -> None:
    folder, ours, plain = sides
    mine, its = await in_turns(
        ROUNDS,
        lambda: load(ours, PATH + "verify", VERIFY, folder),
        lambda: load(plain, PATH + "verify", VERIFY, folder),
    )
    assert sum(one.refused for one in mine) == 0
    history.record("calls, 64 connections, beside the baseline", ratio(mine, its), "×", "≥ 0.95")
    history.record("p99, 64 connections, beside the baseline", ratio(mine, its, "p99"), "×", "≤ 1.1")


async def test_the_call_at_8_connections(sides: Any) -> None:
    folder, ours, plain = sides
    mine, its = await in_turns(
        ROUNDS,
        lambda: load(ours, PATH + "verify", VERIFY, folder, connections=8),
        lambda: load(plain, PATH + "verify", VERIFY, folder, connections=8),
    )
    history.record("calls, 8 connections, beside the baseline", ratio(mine, its), "×", "≥ 0.75")


async def test_documents_of_64_kib(sides: Any) -> None:
    folder, ours, plain = sides
    mine, its = await in_turns(
        ROUNDS,
        lambda: load(ours, PATH + "copy", COPY, folder, connections=16),
        lambda: load(plain, PATH + "copy", COPY, folder, connections=16),
    )
    assert sum(one.refused for one in mine) == 0
    history.record("calls with 64 KiB both ways, beside the baseline", ratio(mine, its), "×", "≥ 0.8")


async def test_latency_at_half_load(sides: Any) -> None:
    """64 callers who pause, so that about half of what is possible comes; what is possible is measured just before."""
    folder, ours, _ = sides
    most = await load(ours, PATH + "verify", VERIFY, folder)
    pause = round(64 / (most.rate / 2) * 1000)
    [half] = await in_turns(ROUNDS, lambda: load(ours, PATH + "verify", VERIFY, folder, pause=pause))
    middle = sorted(half, key=lambda one: one.p50)[ROUNDS // 2]
    history.record("load of the latency test, of the most", middle.rate / most.rate, "×", "about 0.5")
    history.record("p50 at half load", middle.p50, "ms", "< 1.5")
    history.record("p99 at half load", middle.p99, "ms")


async def test_where_the_time_goes(sides: Any) -> None:
    """A flame graph of the gateway while it is loaded."""
    folder, ours, _ = sides
    loading = asyncio.create_task(load(ours, PATH + "verify", VERIFY, folder, seconds=8))
    await asyncio.sleep(2)
    FLAME.parent.mkdir(exist_ok=True)
    options = ["--pid", str(gateway_under_load()), "--duration", "5", "--rate", "200", "--native"]
    command = ["py-spy", "record", "--format", "flamegraph", "--output", str(FLAME), *options]
    drawing = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await drawing.communicate()
    await loading
    assert drawing.returncode == 0, said.decode()
    assert b"<svg" in FLAME.read_bytes()


@asynccontextmanager
async def workbenches(folder: Path, *names: str) -> AsyncIterator[list[Workbench]]:
    """Buses that are stopped whatever happens."""
    async with AsyncExitStack() as stack:
        buses = [Workbench(folder / name, MANY) for name in names]
        for bus in buses:
            stack.push_async_callback((await bus.start()).stop)
        yield buses


async def test_a_province_of_registry_and_tokens(tmp_path: Path) -> None:
    """10,000 services, 5,000 systems, 100,000 grants and 10,000 tokens in rotation, beside a bus with ten of each."""
    async with workbenches(tmp_path, "small", "large") as (small, large):
        await large.gateway.stop()
        await fill(large, 10_000, 5_000, 100_000)
        large.gateway = large.another_gateway("large", large.port)
        await large.gateway.start()
        for bus in (small, large):
            await bus.serve()
        few, many = (
            _target(bus, tmp_path / f"tokens-{number}", number) for bus, number in ((small, 10), (large, 10_000))
        )
        await load(many, DESK, BODY, tmp_path, seconds=25)  # each token was seen, and its head heard
        its, mine = await in_turns(
            ROUNDS,
            lambda: load(few, DESK, BODY, tmp_path),
            lambda: load(many, DESK, BODY, tmp_path),
        )
        assert sum(run.refused for run in itertools.chain(its, mine)) == 0
        measure = "calls with 10,000 services, 100,000 grants, 10,000 tokens, beside ten"
        history.record(measure, ratio(mine, its), "×", "≥ 0.95")


def _target(bus: Workbench, file: Path, tokens: int) -> Target:
    file.write_text("".join(bus.token("alpha", 3000) + "\n" for _ in range(tokens)))
    return Target(f"http://127.0.0.1:{bus.port}", file)


async def test_nothing_is_let_go_under_load(tmp_path: Path) -> None:
    """While wrk loads: every answer is in the evidence, and a revoked grant counts for nothing within 200 ms."""
    async with workbenches(tmp_path, "bus") as [bus]:
        await bus.serve()
        tokens = tmp_path / "tokens"
        tokens.write_text(bus.token("beta") + "\n")
        target = Target(f"http://127.0.0.1:{bus.port}", tokens)
        loading = asyncio.create_task(load(target, DESK, BODY, tmp_path, seconds=4))
        await asyncio.sleep(2.5)
        tag = {"If-Match": (await bus.registry("GET", "grants/alpha-desk")).headers["ETag"]}
        assert (await bus.call()).status == 200
        began = time.perf_counter()
        assert (await bus.registry("DELETE", "grants/alpha-desk", headers=tag)).status == 204
        while (await bus.call()).status == 200:
            pass
        milliseconds = (time.perf_counter() - began) * 1000
        history.record("a revoked grant counts for nothing, under load", milliseconds, "ms", "≤ 200")
        await loading
        entries = [entry for entry in await bus.entries() if entry["consumer"] == "beta"]
        messages = {entry["message"] for entry in entries}
        assert len(messages) == len(entries) >= loading.result().calls
