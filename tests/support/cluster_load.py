"""A cluster under load: programs call, send messages and change the registry without ever retrying; afterwards nothing that was answered may be missing."""

import asyncio
import itertools
import sys
import time
from pathlib import Path
from typing import Any, Self

from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from lgsp_runtime.nats.connection import NatsConnection, connect
from support.balanced_bus import BalancedBus
from support.processes import ROOT, Process
from support.relays import Routes
from support.steady_clients import Request, SteadyClients
from support.waits import WORK_SECONDS, eventually
from support.workbench import NUMBER, TEXT

AGENCY = "H49.7"
READ = "/services/desk/v1/read"
SERVERS = ("lgsp-1", "lgsp-2", "lgsp-3")


class PartedBus(BalancedBus):
    """A cluster whose servers reach each other through relays, so that each can be cut off from the others."""

    async def start(self, *options: str) -> "PartedBus":
        self.routes = await Routes(self.route_ports).start()
        await super().start(*options)
        return self

    def adjust_server(self, number: int, config: dict[str, Any]) -> None:
        cluster = config["cluster"]
        who = cluster["routes"][0].rpartition("@")[0]
        cluster["routes"] = [f"{who}@127.0.0.1:{port}" for port in self.routes.ports_from(number)]
        cluster["no_advertise"] = True  # or they would find the ways around the relays


class ClusterLoad:
    """Three NATS servers, two gateways behind HAProxy, two adapters in processes of their own, and clients of all kinds while the context lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bus = PartedBus(folder, servers=3)
        self._numbers = itertools.count()

    async def start(self) -> "ClusterLoad":
        """Start the bus and the adapters, and make the agency whose title is changed."""
        await self.bus.start()
        self.adapters = {name: self._adapter(name) for name in ("adapter-1", "adapter-2")}
        await asyncio.gather(*(adapter.start() for adapter in self.adapters.values()))
        self.nats: NatsConnection = await connect(self.bus.endpoint("gateway"), "test")
        made = await self.bus.registry("PUT", f"agencies/{AGENCY}", _agency(0), headers={"If-None-Match": "*"})
        assert made.status == 201, made.body
        await self.is_whole()
        return self

    async def stop(self) -> None:
        await self.nats.close()
        for adapter in self.adapters.values():
            await adapter.stop()
        await self.bus.stop()
        await self.bus.routes.stop()

    async def __aenter__(self) -> Self:
        url = f"http://127.0.0.1:{self.bus.port}"
        self.reads = SteadyClients(url, self._read, self._as("alpha"), count=6)
        self.messages = SteadyClients(url, self._message, self._as("alpha"), count=4, pause=0.05)
        self.changed: list[int] = []
        """What the registry has confirmed, in its order."""
        self._changing = asyncio.create_task(self._change())
        await asyncio.gather(self.reads.__aenter__(), self.messages.__aenter__())
        self.began = time.monotonic()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._changing.cancel()
        await asyncio.gather(self._changing, return_exceptions=True)
        await asyncio.gather(self.reads.__aexit__(), self.messages.__aexit__())

    async def goes_on(self, calls: int = 100) -> None:
        """Return when calls, messages and changes succeed, those that begin from now on."""
        now, changes = time.monotonic(), len(self.changed)

        def succeed() -> bool:
            reads = [call for call in self.reads.accepted() if call.began > now]
            messages = [call for call in self.messages.accepted() if call.began > now]
            return len(reads) >= calls and len(messages) >= calls // 10 and len(self.changed) > changes

        await eventually(succeed, within=WORK_SECONDS, seen=self.report)

    def report(self, what: str = "so far") -> str:
        """Say what the clients saw, for people."""
        return "\n".join((self.reads.report(f"{what}, calls"), self.messages.report(f"{what}, messages")))

    async def check(self) -> None:
        """Compare what clients were told with evidence, the provider's ledger and the registry: nothing is missing."""
        written = {entry.get("message") for entry in await self.bus.entries()}
        assert {call.message for call in self.reads.accepted(200)} <= written, (
            "the evidence of an answered call is lost"
        )
        accepted = {call.key for call in self.messages.accepted(202)}
        assert accepted
        await eventually(
            lambda: accepted <= self.delivered(), within=WORK_SECONDS, seen=lambda: len(accepted - self.delivered())
        )
        title = (await self.bus.registry("GET", f"agencies/{AGENCY}")).json["spec"]["title"]["en"]
        assert int(title) >= self.changed[-1], "a confirmed change of the registry is lost"
        versions = (await self.bus.registry("GET", f"agencies/{AGENCY}/history")).json["items"]
        kept = {int(version["spec"]["title"]["en"]) for version in versions if version["spec"]}
        assert set(self.changed) - kept == set(), "a confirmed version of the registry is lost"

    def delivered(self) -> set[str]:
        """Return what the provider's system has got, whichever adapter took it there."""
        ledgers = [self.folder / f"{name}.ledger" for name in self.adapters]
        return {line for ledger in ledgers if ledger.exists() for line in ledger.read_text().splitlines()}

    async def leader(self, stream: str = "LGSP_EVIDENCE") -> int:
        """Return the number of the server that leads a stream, counted from 0."""
        found: list[str] = []

        async def is_known() -> bool:
            try:
                info = await self.nats.jetstream().stream_info(stream)
            except (NatsError, JetStreamError):
                return False
            found[:] = [info.cluster.leader] if info.cluster and info.cluster.leader else []
            return bool(found)

        await eventually(is_known, within=WORK_SECONDS)
        return SERVERS.index(found[0])

    async def is_whole(self) -> None:
        """Return when every replica of every stream is current."""

        async def all_current() -> bool:
            try:
                infos = await self.nats.jetstream().streams_info()
            except (NatsError, JetStreamError):
                return False
            clusters = [info.cluster for info in infos]
            replicas = [replica for cluster in clusters if cluster for replica in cluster.replicas or []]
            return len(replicas) == 2 * len(infos) and all(replica.current for replica in replicas)

        await eventually(all_current, within=WORK_SECONDS)

    def _adapter(self, name: str) -> Process:
        arguments = [self.bus.nats_url, self.bus.token("provider"), str(self.bus.catalog_folder)]
        command = [sys.executable, "-m", "support.fault_processes", "adapter", *arguments]
        command.append(str(self.folder / f"{name}.ledger"))
        return Process(command, self.folder / f"{name}.log", {"PYTHONPATH": str(ROOT / "tests")})

    def _as(self, system: str):  # type: ignore[no-untyped-def]
        headers = {"Authorization": f"Bearer {self.bus.token(system)}"}
        return lambda: headers

    def _read(self) -> Request:
        return Request(READ, {"soDinhDanh": NUMBER})

    def _message(self) -> Request:
        key = f"message-{next(self._numbers)}"
        headers = {"Prefer": "respond-async", "Lgsp-Purpose": "thu-nghiem"}
        return Request(READ, {"soDinhDanh": NUMBER, "hoVaTen": key}, headers, key)

    async def _change(self) -> None:
        for number in itertools.count(1):
            path = f"agencies/{AGENCY}"
            try:
                last = await self.bus.registry("GET", path)
                condition = {"If-Match": last.headers.get("ETag", '"0"')}
                got = await self.bus.registry("PUT", path, _agency(number), headers=condition)
            except OSError:
                continue
            if got.status == 200:
                self.changed.append(number)
            await asyncio.sleep(0.1)


def _agency(number: int) -> dict[str, object]:
    spec = {"title": {**TEXT, "en": str(number)}}
    return {"apiVersion": "lgsp/v1", "kind": "Agency", "metadata": {"name": AGENCY}, "spec": spec}
