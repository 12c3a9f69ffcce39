"""A whole bus on this machine as one thing: nats-server, gateways, adapters and what an environment puts around them.

Every process is the one that runs in production, started by the same command; only who starts it differs.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import load_balancer, nats_config, nats_process
from lgsp_gateway.local.citizen_issuer import CitizenIssuer
from lgsp_gateway.local.console_build import build_console
from lgsp_gateway.local.environment import Environment
from lgsp_gateway.local.nats_config import LocalServer
from lgsp_gateway.local.nats_process import free_ports, port_answers
from lgsp_gateway.local.processes import Child, end_leftovers
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.operate import nats_users
from lgsp_gateway.registry.persons import new_person_id
from lgsp_gateway.sessions.demo_sign_in import write_link
from lgsp_gateway.sessions.session_store import SessionStore
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import durable_file, logs
from lgsp_runtime.async_tasks import Stopped, run_until
from lgsp_runtime.background import Background
from lgsp_runtime.nats import connection as nats_connection
from lgsp_runtime.nats.connection import NatsEndpoint


@dataclass(frozen=True, slots=True)
class BusSize:
    """How much of a bus there is.

    Args:
        servers: of NATS; more than one are a cluster, in which each stream has a replica on three.
        gateways: more than one have HAProxy before them.
    """

    servers: int = 1
    gateways: int = 1


class LocalBus:
    """One bus on this machine.

    Args:
        nats_server: another nats-server binary than the one that comes with lgsp.
        before_ready: what is to be done when everything answers, before it says READY.
        gateway_options: further ones for each gateway.
        traffic: what goes on while it runs, from the addresses in `running.json`; it ends before anything stops.
        size: how many servers and gateways.
    """

    def __init__(
        self,
        environment: Environment,
        state: StateDir,
        port: int,
        nats_server: Path | None,
        before_ready: Callable[[], Awaitable[None]] | None = None,
        gateway_options: tuple[str, ...] = (),
        traffic: Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]] | None = None,
        size: BusSize = BusSize(),
    ) -> None:
        self._environment = environment
        self._state = state
        self._port = port or free_ports(1)[0]
        self._nats_server = nats_server
        self._before_ready = before_ready
        self._gateway_options = gateway_options
        self._citizens = CitizenIssuer(environment.citizens, self._url) if environment.citizens else None
        self._traffic = traffic
        self._servers = size.servers
        self._balanced_ports = _balanced_ports(environment.gateways[0], size.gateways)
        self._playing = Background()
        self._children: list[Child] = []
        self._background = Background()
        self._addresses: dict[str, Any] = {}
        self._began = time.monotonic()

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def run(self) -> None:
        """Start all of it, say READY, wait for SIGINT or SIGTERM, stop all of it.

        Raises:
            Refusal: `cannot-start`; nothing is left running.
        """
        logs.configure("up")
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._state.make()
        lock = self._state.lock()
        try:
            self._clear_leftovers()
            _refuse_taken(self._port)
            if self._balanced_ports:
                load_balancer.find_haproxy()
            async with self._background:
                with contextlib.suppress(Stopped):
                    await run_until(stop.wait(), self._start())
                    await stop.wait()
                _print_progress("stopping")
                await self._playing.stop()
                await self._stop()
        finally:
            await self._stop()
            os.close(lock)

    async def _start(self) -> None:
        local = self._environment
        local.seed(self._state)
        keys = KeyStore(self._state.keys)
        keys.ensure()
        free = iter(free_ports(2 * self._servers + len(local.sandboxes)))
        nats_ports = [(next(free), next(free)) for _ in range(self._servers)]
        nats_servers = nats_config.write(self._state, nats_ports, keys.account_key().public)
        nats_url = ",".join(f"nats://127.0.0.1:{server.port}" for server in nats_servers)
        ports = dict(zip(local.sandboxes, free, strict=True))
        environment = local.environment(self._state, ports)
        sandboxes = [self._sandbox(server, ports[server], environment) for server in local.sandboxes]
        adapters = [self._adapter(name, paths, nats_url, environment) for name, paths in local.adapters.items()]
        gateways = [self._gateway(name, nats_url) for name in self._balanced_ports or local.gateways]
        indexers = [self._indexer(nats_url)] if local.searchable else []
        if self._citizens:
            await self._citizens.start()
            issuers = orjson.dumps(self._citizens.configuration(), option=orjson.OPT_INDENT_2)
            durable_file.write(self._state.issuers, issuers)
        await asyncio.gather(*(self._begin(self._nats(server)) for server in nats_servers))
        balancers = [self._load_balancer()] if self._balanced_ports else []
        await asyncio.gather(
            *(self._begin(child) for child in (*balancers, *gateways, *adapters, *sandboxes, *indexers))
        )
        self._addresses = {
            "url": self._url,
            "nats": nats_url,
            "sandbox": {server: f"http://127.0.0.1:{ports[server]}" for server in local.sandboxes},
        }
        self._write_running()
        if self._before_ready:
            await self._before_ready()
        self._print_ready(nats_servers, await self._write_sign_in_links(nats_url))
        if self._traffic:
            self._playing.run_forever("traffic", partial(self._traffic, self._addresses))
        if local.searchable:
            await build_console(_print_progress, self._url)

    async def _begin(self, child: Child) -> None:
        self._children.append(child)
        await child.start()
        _print_progress(f"{child.name} answers", time.monotonic() - self._began)
        self._background.run_forever(child.name, partial(child.supervise, _print_progress, self._write_running))

    async def _stop(self) -> None:
        for child in self._children:
            child.stopping = True
        if self._citizens:
            await self._citizens.stop()
        kinds = ("gateway", "adapter", "indexer", "")
        by_kind = {kind: [child for child in self._children if child.name.startswith(kind)] for kind in kinds}
        for children in by_kind.values():
            await asyncio.gather(*(child.stop() for child in children))
        with contextlib.suppress(OSError):
            self._state.running_file.unlink(missing_ok=True)

    def _nats(self, server: LocalServer) -> Child:
        return nats_process.child(self._state, server, self._nats_server)

    def _gateway(self, name: str, nats_url: str) -> Child:
        port = self._balanced_ports.get(name, self._port)
        command = [*_lgsp(), "gateway", "run", "--name", name, "--port", str(port), "--nats", nats_url]
        command += ["--nats-passwords", str(nats_config.passwords(self._state))]
        command += ["--nats-storage", str(nats_config.storage(self._state))]
        command += ["--keys", str(self._state.keys), "--registry", str(self._state.registry)]
        command += ["--index", str(self._state.index)] if self._environment.searchable else []
        command += ["--security-log", str(self._state.logs / "security.log")] if self._environment.searchable else []
        command += ["--issuers", str(self._state.issuers)] if self._citizens else []
        if self._environment.catalog:
            command += ["--catalog", str(self._environment.catalog)]
        command += ["--replicas", str(self._replicas), *self._gateway_options]
        if self._balanced_ports:
            command += ["--public-url", self._url, "--load-balancers", "127.0.0.1"]
            return self._child(f"gateway {name}", command)
        if len(self._environment.gateways) == 1:
            return self._child("gateway", command)
        return self._child(f"gateway {name}", [*command, "--share-port"])

    def _load_balancer(self) -> Child:
        command = load_balancer.command(self._state, self._port, list(self._balanced_ports.values()))
        return self._child("haproxy", command, ready=lambda: port_answers(self._port))

    @property
    def _replicas(self) -> int:
        return min(self._servers, 3)

    def _indexer(self, nats_url: str) -> Child:
        command = [*_lgsp(), "indexer", "run", "--nats", nats_url, "--index", str(self._state.index)]
        return self._child("indexer", [*command, "--nats-passwords", str(nats_config.passwords(self._state))])

    def _sandbox(self, server: str, port: int, environment: dict[str, str]) -> Child:
        command = [*_lgsp(), "sandbox", "run", server, "--port", str(port), "--data", str(self._state.sandbox)]
        return self._child(f"sandbox {server}", command, environment)

    def _adapter(self, name: str, manifests: tuple[str, ...], nats_url: str, environment: dict[str, str]) -> Child:
        command = [*_lgsp(), "adapter", "run", *manifests, "--nats", nats_url]
        command += ["--gateway", self._url, "--keys", str(self._state.credentials)]
        command += ["--security-log", str(self._state.logs / "security.log")] if self._environment.searchable else []
        if self._environment.catalog:
            command += ["--catalog", str(self._environment.catalog)]
        command += ["--trials", "also"] if self._environment.sandboxes else []
        command += self._gateway_options
        return self._child(f"adapter {name}", command, environment)

    def _child(self, name: str, command: list[str], environment: dict[str, str] | None = None, **more: object) -> Child:
        log = self._state.logs / f"{name.replace(' ', '-')}.log"
        return Child(name, command, log, environment or {}, **more)  # type: ignore[arg-type]

    def _clear_leftovers(self) -> None:
        with contextlib.suppress(Refusal):
            end_leftovers(self._state.running()["pids"], str(self._state.root))
        self._state.running_file.unlink(missing_ok=True)

    def _write_running(self) -> None:
        """Say where everything is, and which processes they are now."""
        if self._addresses:
            pids = {child.name: child.process.pid for child in self._children if child.process}
            running = {**self._addresses, "processes": pids, "pids": list(pids.values())}
            durable_file.write(self._state.running_file, orjson.dumps(running, option=orjson.OPT_INDENT_2))

    async def _write_sign_in_links(self, nats_url: str) -> dict[str, str]:
        """Write links that sign people in to the console, once.

        Returns:
            The secrets of the links, by who is signed in; none where this bus has no operator.
        """
        operator = self._environment.operator
        others = {
            "officer": self._environment.officer,
            "administrator": self._environment.administrator,
            **self._environment.providers,
        }
        newcomers = {role: newcomer for role, newcomer in others.items() if newcomer}
        if not operator:
            return {}
        password = nats_config.passwords(self._state) / nats_users.GATEWAY
        endpoint = NatsEndpoint.with_password_file(nats_url, nats_users.GATEWAY, password)
        connection = await nats_connection.connect(endpoint, "lgsp up")
        try:
            sessions = SessionStore()
            await sessions.start(connection, self._replicas)
            known = {self._person(role): newcomer for role, newcomer in newcomers.items()}
            links = {"operator": await write_link(sessions, self._person("operator"), operator, beforehand=known)}
            for role, newcomer in newcomers.items():
                links[role] = await write_link(sessions, self._person(role), operator, newcomer)
            return links
        finally:
            await connection.close()

    def _person(self, role: str) -> str:
        """Return the id of the person in a role whom links sign in: the same at each start."""
        return durable_file.ensure(self._state.root / f"console-{role}", lambda: new_person_id().encode()).decode()

    def _print_ready(self, nats_servers: Sequence[LocalServer], links: dict[str, str]) -> None:
        url = self._url
        _print_progress(f"READY {url}", time.monotonic() - self._began)
        lines = [
            "",
            f"  gateway                      {url}",
            *(f"  {f'gateway {name}':<28} http://127.0.0.1:{port}" for name, port in self._balanced_ports.items()),
            f"  catalogue, for a browser     {url}/catalog",
            *(f"  console, {f'{role}, once':<20}{url}/console/sign-in/once#{link}" for role, link in links.items()),
            *(f"  {server.name:<28} 127.0.0.1:{server.port}" for server in nats_servers),
        ]
        if self._citizens:
            lines += [
                f"  my data, as a citizen        {url}/my-data (sign in, choose {self._environment.citizens[0].name})"
            ]
        lines += [f"  sandbox {name:<20} {url}" for name, url in self._addresses["sandbox"].items()]
        lines += [
            f"  state, logs and keys         {self._state.root}",
            "",
            self._environment.ready_message(url, self._state),
        ]
        out("\n".join(lines) + "\n")


def _balanced_ports(name: str, count: int) -> dict[str, int]:
    """Return a port for each of several gateways, by its name; none for a single one, which has the port of the bus."""
    if count == 1:
        return {}
    return {f"{name}-{number}": port for number, port in enumerate(free_ports(count), 1)}


def _lgsp() -> list[str]:
    return [sys.executable, "-m", "lgsp_gateway"]


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(
                vi=f"Không mở được cổng {port}: {error.strerror}; hãy chọn cổng khác bằng --port.",
                en=f"Cannot listen on port {port}: {error.strerror}; choose another with --port.",
            ) from error


def _print_progress(text: str, seconds: float | None = None) -> None:
    out(f"lgsp: {text}" + (f"  ({seconds:.1f} s)" if seconds is not None else "") + "\n")
