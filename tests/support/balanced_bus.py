"""A bus whose gateways stand behind HAProxy, as `lgsp haproxy config` writes it; it is reached by its own port."""

import asyncio
import shutil

import aiohttp

from support.preloaded import run
from support.processes import Process, apt_install, free_port
from support.waits import eventually
from support.workbench import Workbench

PATH = "/usr/sbin:/usr/local/sbin:/usr/bin"


def haproxy_binary() -> str:
    """Where HAProxy is; it is installed where that is possible."""
    if shutil.which("haproxy", path=PATH) is None:
        apt_install("haproxy")
    binary = shutil.which("haproxy", path=PATH)
    assert binary, "haproxy is missing; apt-get install haproxy"
    return binary


class BalancedBus(Workbench):
    """Two gateways, `bench` and `second`; `gateways` has their processes by name, `ports` where each listens."""

    ports: dict[str, int]
    gateways: dict[str, Process]
    haproxy: Process

    async def start(self, *options: str) -> "BalancedBus":
        self.ports = {"bench": free_port(), "second": free_port()}
        await super().start(*options)
        second = self.another_gateway("second", self.ports["second"])
        second.command += options
        self.gateways = {"bench": self.gateway, "second": await second.start()}
        config = self.state.root / "haproxy.cfg"
        places = [part for port in self.ports.values() for part in ("--gateway", f"127.0.0.1:{port}")]
        code, _, err = await run(
            "haproxy", "config", "--to", str(config), "--listen", f"127.0.0.1:{self.port}", *places
        )
        assert code == 0, err
        self.haproxy = Process([haproxy_binary(), "-db", "-f", str(config)], self.state.logs / "haproxy.log")
        await self.haproxy.start(wait_ready=False)
        await eventually(self.is_served)
        return self

    def another_gateway(self, name: str, port: int) -> Process:
        gateway = super().another_gateway(name, self.ports.get(name, port))
        gateway.command += ["--load-balancers", "127.0.0.1"]
        return gateway

    async def is_served(self) -> bool:
        """Do callers reach a gateway?"""
        try:
            async with self.session.get("/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def is_ready(self, name: str) -> bool:
        """Does a gateway say that it is ready?"""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.ports[name]}/readyz") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def restart(self, name: str) -> None:
        """Stop a gateway as a supervisor does, start it again, and return when it is ready."""
        assert await self.gateways[name].stop() == 0
        await self.gateways[name].start()

        async def is_back() -> bool:
            return await self.is_ready(name)

        await eventually(is_back)

    async def stop(self) -> None:
        await asyncio.gather(*(gateway.stop() for gateway in self.gateways.values()))
        await self.haproxy.kill()
        await super().stop()
