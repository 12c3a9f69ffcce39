"""Every task of every process is one that is watched: none is started past `background`, and each comes back when it is ended."""

import ast
import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from support.authority import Authority
from support.issuer import PeoplesIssuer
from support.processes import ROOT, free_port
from support.waits import SECONDS, WORK_SECONDS, eventually
from support.workbench import CONTRACTS, NUMBER, Workbench

from lgsp_adapters import manifest
from lgsp_adapters.host.adapter_host import AdapterHost
from lgsp_adapters.host.identity import SystemIdentity
from lgsp_adapters.host.manifest_reloader import ContractFolder
from lgsp_gateway import app
from lgsp_gateway.evidence.search import indexer
from lgsp_gateway.evidence.search.store import Index
from lgsp_runtime.async_tasks import TASK_NAME_PREFIX
from lgsp_runtime.background import Background, Task
from lgsp_runtime.process import Process

STARTERS = {
    "create_task",
    "ensure_future",
    "TaskGroup",
    "run_in_executor",
    "Thread",
    "Timer",
    "run_coroutine_threadsafe",
}

STARTED_ELSEWHERE = {
    "lgsp_runtime/background.py": "here",
    "lgsp_runtime/async_tasks.py": "awaited in the same function",
    "lgsp_gateway/http/fast_path/connection.py": "the calls of one connection, on the measured path: its last resort answers and logs",
    "lgsp_adapters/host/served_adapter.py": "a call, on the measured path: its last resort answers and logs",
    "lgsp_gateway/http/connections.py": "the handshake of one connection: what it raises, the event loop's last resort logs",
    "lgsp_gateway/calls/quotas.py": "waited for by the calls that need what it brings",
    "lgsp_adapters/subprocess_reader/reader.py": "awaited in the same function",
    "lgsp_adapters/mapping/budget.py": "awaited in the same function",
    "lgsp_gateway/api/subscription_events.py": "awaited in the same function",
    "lgsp_gateway/delivery/files/content.py": "awaited in the same function",
    "lgsp_gateway/delivery/files/upload_writer.py": "awaited before the next chunk, and at the end",
    "lgsp_gateway/delivery/files/uploads.py": "awaited in the same function",
    "lgsp_gateway/delivery/lanes/attempts.py": "an attempt, on the measured path: `Attempts.run` logs what it raises",
    "lgsp_gateway/delivery/storage/group_commit.py": "awaited by `stop`; it settles whoever waits, and logs",
}

PACKAGES = [
    ROOT / part
    for part in (
        "gateway/lgsp_gateway",
        "gateway/lgsp_runtime",
        "adapters/lgsp_adapters",
        "auth/lgsp_auth",
        "gateway/lgsp_runtime",
        "contracts/lgsp_contracts",
    )
]


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for file in package.rglob("*.py"):
            yield f"{package.name}/{file.relative_to(package)}", ast.parse(file.read_text())


def test_no_task_is_started_past_the_mechanism() -> None:
    found = {
        name
        for name, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) in STARTERS
    }
    assert found == STARTED_ELSEWHERE.keys()


def test_what_a_subscription_hears_is_watched() -> None:
    """What a callback raises would be a line of the type of the error, if anything."""
    seen = 0
    for name, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "subscribe":
                seen += 1
                callbacks = [ast.unparse(one.value) for one in node.keywords if one.arg == "cb"]
                assert all(
                    re.match(r"(.*\.)?guard\(|_nothing$|count_answer$|answer$|take$", one) for one in callbacks
                ), (
                    name,
                    callbacks,
                )
    assert seen >= 5


LIBRARIES = {
    "Client._read_loop",
    "Client._flusher",
    "Client._ping_interval",
    "Subscription._wait_for_msgs",
    "Subscription.next_msg.<locals>.timed_get",
    "Queue.get",
    "TcpTransport.readline",
    "RequestHandler.start",
    "Listener.start",
    "_ListenedTo.start",
}
"""Tasks of libraries: nats-py's are watched as "nats connection …" (`Queue.get` is of somebody who waits for a message), aiohttp's live
as long as the connection of a caller."""

GATEWAY = {
    "adapter discovery",
    "checkpoints",
    "checks",
    "copy watch",
    "unwritten evidence",
    "nats connection gateway inside",
    "nats connection gateway inside calls",
    "nats connection gateway inside reading",
    "nats connection rights",
    "signing keys",
    "nats connection gateway inside system",
    "nats connection gateway inside delivery",
    "nats connection gateway inside files",
    "nats connection gateway inside large documents",
    "KV_LGSP_DRAINS",
    "KV_LGSP_ENDPOINTS",
    "KV_LGSP_FILE_RECORDS",
    "KV_LGSP_SUBSCRIPTIONS",
    "backlogs of subscriptions",
    "bytes of dead letters",
    "counts of stored bytes",
    "delivery counts",
    "delivery lanes",
    "delivery report",
    "expirations",
    "expiring events",
    "files",
    "gateway presence",
    "growth of storage",
    "health of streams",
    "invitations of operators",
    "lane discovery",
    "notifications",
    "limit of deliveries",
    "pull subscriptions",
    "requests of citizens",
    "requests of citizens that cannot be read",
    "sizes of streams",
    "storage keys",
    "storage space",
    "stored bytes",
    "webhook attempts",
    "webhook connections",
    "webhook endpoints in use",
    "registry",
}
ADAPTER = {
    "expirations of desk",
    "manifest of desk",
    "nats connection adapter desk",
    "token of desk",
    "upstream of desk",
}
FILES_ADAPTER = {*ADAPTER, "inbox of desk"}
FILES = {
    "kind": "files",
    "connection": {"folder": "DROPS"},
    "files": {"pattern": "*.csv", "format": "csv"},
    "operations": {
        name: {"find": {"so": "request.soDinhDanh"}, "none": "person-not-found", "answer": {"ketQua": "row.so"}}
        for name in CONTRACTS[0]["operations"]
    },
}
INDEXER = {"index", "nats connection indexer"}


@asynccontextmanager
async def process(main: object) -> AsyncIterator[tuple[Background, set["asyncio.Task[object]"]]]:
    """A process of the bus within this one: its background, and the tasks that it runs when it is ready."""
    before = asyncio.all_tasks()
    stop = asyncio.Event()
    async with asyncio.timeout(2 * WORK_SECONDS), Background(stop) as background:
        this = Process(stop, background)
        running = asyncio.create_task(main(this))  # type: ignore[operator]
        ready = asyncio.create_task(ready_of(this))
        await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), running.exception()
        yield background, asyncio.all_tasks() - before - {running}
        stop.set()
        await running


async def ready_of(this: Process) -> None:
    await eventually(lambda: this.is_ready)


async def came_back(task: Task) -> bool:
    """Tell whether a task has failed and runs again, within a moment."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS / 2):
            while task.failures == 0 or task.running is None or task.running.done():
                await asyncio.sleep(0.01)
        return True
    return False


async def each_comes_back(background: Background, tasks: "set[asyncio.Task[object]]", declared: set[str]) -> None:
    """Its tasks are those that are declared; each is ended as a stranger would, and does its work again."""
    ours = {
        task.get_name().removeprefix(TASK_NAME_PREFIX) for task in tasks if task.get_name().startswith(TASK_NAME_PREFIX)
    } - {"nats ping"}
    assert ours == declared, ours ^ declared
    others = {task.get_coro().__qualname__ for task in tasks if not task.get_name().startswith(TASK_NAME_PREFIX)}  # type: ignore[union-attr]
    assert others <= LIBRARIES
    for task in list(background.tasks):
        assert task.running
        task.running.cancel()
    for task in background.tasks:
        async with asyncio.timeout(WORK_SECONDS):
            while not await came_back(task):
                # `asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with its result.
                if task.running and task.failures == 0:
                    task.running.cancel()
        assert task.failures == 1


async def test_the_gateway(breakable_bus: Workbench) -> None:
    bus = breakable_bus  # of its own: lanes of what other tests left would be tasks, too
    port = free_port()
    settings = bus.settings("inside", port)
    async with process(lambda this: app.serve(settings, this)) as (background, tasks):
        await each_comes_back(background, tasks, GATEWAY)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/metrics") as answer:
                metrics = await answer.text()
            for name in GATEWAY:
                assert f'lgsp_background_task_failures_total{{task="{name}"}} 1.0' in metrics
            async with session.get("/readyz") as answer:
                assert answer.status == 200
        for task in tasks:  # what nats-py runs goes, too
            if task.get_coro().__qualname__ in ("Client._read_loop", "Client._flusher"):  # type: ignore[union-attr]
                task.cancel()
    # it has stopped in order all the same


async def test_a_gateway_that_is_told_to_do_more(bus: Workbench, tmp_path: Path) -> None:
    """One with TLS, another issuer and a time stamping service has a task for each."""
    Authority(tmp_path).issue()
    people = await PeoplesIssuer().start()
    settings = bus.settings(
        "inside-more", free_port(), issuers=people.entry(tmp_path), tls_cert=tmp_path / "cert.pem",
        tls_key=tmp_path / "key.pem", timestamp_authority=f"http://127.0.0.1:{free_port()}",
    )  # fmt: skip
    declared = {name.replace("inside", "inside-more") for name in GATEWAY}
    declared |= {"tls files", "timestamps", f"keys of {people.url}"}
    async with process(lambda this: app.serve(settings, this)) as (background, tasks):
        await each_comes_back(background, tasks, declared)
        # That nobody gives time stamps is told where health is asked for.
        async with aiohttp.ClientSession(f"https://127.0.0.1:{settings.port}") as session:
            headers = {"Authorization": f"Bearer {bus.token('alpha')}", "Lgsp-Purpose": "thu-nghiem"}
            sent = {"soDinhDanh": NUMBER}
            async with session.post("/services/desk/v1/read", json=sent, headers=headers, ssl=False) as answer:
                await answer.read()
            async with asyncio.timeout(20):
                while background.failures().get("timestamps") != "ClientConnectorError":
                    await asyncio.sleep(0.05)
            async with session.get("/readyz", ssl=False) as answer:
                assert "task timestamps fails" in await answer.text()
    await people.stop()


@pytest.mark.parametrize(
    ("more", "declared"), [({"kind": "mock"}, ADAPTER), (FILES, FILES_ADAPTER)], ids=["mock", "files"]
)
async def test_an_adapter(bus: Workbench, tmp_path: Path, more: dict[str, object], declared: set[str]) -> None:
    (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    (tmp_path / "drops").mkdir()
    (tmp_path / "drops" / "desk.csv").write_text("so\n022093009999\n")
    os.utime(tmp_path / "drops" / "desk.csv", (1, 1))  # it is not being written any more
    told = {"service": "desk", "major": 1, "system": "provider", **more}
    (tmp_path / "adapter.yaml").write_text(json.dumps(told).replace("DROPS", str(tmp_path / "drops")))
    loaded = manifest.load(tmp_path / "adapter.yaml")
    identity = SystemIdentity(f"http://127.0.0.1:{bus.port}", "provider", tmp_path / "provider.pem")
    host = AdapterHost([(loaded, identity)], bus.nats_url, ContractFolder(bus.catalog_folder), None)
    async with process(host.run) as (background, tasks):
        await each_comes_back(background, tasks, declared)
        assert (await bus.call()).status == (200 if more["kind"] == "mock" else 404)


async def test_the_indexer(bus: Workbench, tmp_path: Path) -> None:
    index = Index(str(tmp_path / "index.db"), writes=True)
    async with process(lambda this: indexer.serve(bus.endpoint("gateway"), index, None, 0, this)) as (
        background,
        tasks,
    ):
        await each_comes_back(background, tasks, INDEXER)
