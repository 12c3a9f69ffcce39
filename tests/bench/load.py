"""wrk and what it is set on: a bus from `lgsp bench up`, and the baseline."""

import asyncio
import json
import os
import re
import shutil
import statistics
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import LGSP, Process, free_port

HERE = Path(__file__).parent
VERIFY = json.dumps({"soDinhDanh": "022093001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"})
COPY = json.dumps({"noiDung": "x" * 64 * 1024})


@dataclass(frozen=True)
class Target:
    """Something to call."""

    url: str
    tokens: Path
    purpose: str = ""
    prefer: str = ""


@dataclass(frozen=True)
class Loaded:
    """What wrk saw: calls a second, milliseconds, calls in all, answers other than 2xx."""

    rate: float
    p50: float
    p99: float
    calls: int
    refused: int


async def load(target: Target, path: str, body: str, folder: Path, **more: Any) -> Loaded:
    """Warm up, then load: `connections`, `seconds`, and `pause` in milliseconds between the calls of a connection."""
    await _wrk(target, path, body, folder, **{**more, "seconds": 1})
    return await _wrk(target, path, body, folder, **more)


async def _wrk(
    target: Target, path: str, body: str, folder: Path, *, connections: int = 64, seconds: int = 4, pause: int = 0
) -> Loaded:
    assert shutil.which("wrk"), "wrk is missing: apt-get install wrk"
    body_file = folder / "body.json"
    body_file.write_text(body)
    environment = {**os.environ, "TOKEN_FILE": str(target.tokens), "BODY_FILE": str(body_file), "PAUSE": str(pause)}
    if target.purpose:
        environment["PURPOSE"] = target.purpose
    if target.prefer:
        environment["PREFER"] = target.prefer
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(HERE / "wrk.lua")]
    process = await asyncio.create_subprocess_exec(
        *command, target.url + path, stdout=asyncio.subprocess.PIPE, env=environment
    )
    text = (await process.communicate())[0].decode()
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Loaded(
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", text)[0]),
        p50=_milliseconds(_found(r"50%\s+([\d.]+)(us|ms|s)", text)),
        p99=_milliseconds(_found(r"99%\s+([\d.]+)(us|ms|s)", text)),
        calls=int(_found(r"(\d+) requests in", text)[0]),
        refused=int(refused[1]) if refused else 0,
    )


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    assert match, text
    return match.groups()


def _milliseconds(parts: tuple[str, ...]) -> float:
    return float(parts[0]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[parts[1]]


@asynccontextmanager
async def bench_up(folder: Path, *options: str) -> Any:
    """A bus as `lgsp bench up` starts it."""
    port, tokens = free_port(), folder / "token"
    command = [*LGSP, "bench", "up", "--port", str(port), "--token-file", str(tokens), *options]
    bus = await Process(command, folder / "bench-up.log").start()
    try:
        yield Target(f"http://127.0.0.1:{port}", tokens)
    finally:
        await bus.stop()


@asynccontextmanager
async def baseline(folder: Path) -> Any:
    """The baseline, on a nats-server that syncs nothing."""
    port, nats_port = free_port(), free_port()
    url, script = f"nats://127.0.0.1:{nats_port}", str(HERE / "baseline.py")
    binary = str(Path(sys.executable).parent / "nats-server")
    nats = await Process([binary, "-a", "127.0.0.1", "-p", str(nats_port)], folder / "baseline.log").start(
        wait_ready=False
    )
    await _listens(nats_port)
    adapter = await Process([sys.executable, script, "adapter", url], folder / "baseline.log").start()
    gateway = await Process([sys.executable, script, "gateway", str(port), url], folder / "baseline.log").start()
    tokens = folder / "baseline-token"
    tokens.write_text("none\n")
    try:
        yield Target(f"http://127.0.0.1:{port}", tokens)
    finally:
        for process in (gateway, adapter, nats):
            await process.stop()


def gateway_under_load() -> int:
    """The process id of the gateway that `lgsp bench up` started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if b"gateway" in words and b"bench-1" in words:
            return int(folder.name)
    raise AssertionError("no gateway of lgsp bench up is running")


async def _listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return


async def in_turns(rounds: int, *sides: Callable[[], Awaitable[Loaded]]) -> list[list[Loaded]]:
    """Load several things in turn, so that what else the machine does hits them alike."""
    results: list[list[Loaded]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, result in zip(sides, results, strict=True):
            result.append(await side())
    return results


def ratio(ours: list[Loaded], theirs: list[Loaded], what: str = "rate") -> float:
    """The median over the rounds of what one side reached in parts of the other."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(getattr(our, what) / getattr(their, what) for our, their in pairs)


__all__ = [
    "COPY",
    "VERIFY",
    "Loaded",
    "Target",
    "baseline",
    "bench_up",
    "gateway_under_load",
    "in_turns",
    "load",
    "ratio",
]
