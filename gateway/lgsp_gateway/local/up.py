"""`lgsp up`: nats-server, a gateway, three sandbox servers, their adapters and a demo registry, as one thing.

Every process is the one that runs in production, started by the same command; only who starts it differs.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import orjson

from lgsp_contracts import catalog as catalogs
from lgsp_gateway.keystore import KeyStore
from lgsp_gateway.local import demo, nats_config
from lgsp_gateway.local.processes import Child, end_leftovers
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import Refusal

NATIONAL = ("population", "enterprise-registry", "insurance")
CREDENTIALS = {
    "population": ("USER", "SECRET", "AUTH_URL", "API_KEY"),
    "enterprise-registry": ("ACCESS_KEY", "SECRET_KEY"),
    "insurance": ("USERNAME", "PASSWORD"),
}
NATS_POLL_SECONDS = 0.01


class LocalBus:
    """One bus on this machine.

    Args:
        nats_server: another nats-server binary than the one that comes with lgsp.
    """

    def __init__(self, state: StateDir, port: int, nats_server: Path | None) -> None:
        self._state = state
        self._port = port
        self._nats_server = nats_server
        self._children: list[Child] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._began = time.monotonic()

    async def run(self) -> None:
        """Start all of it, say READY, wait for SIGINT or SIGTERM, stop all of it.

        Raises:
            Refusal: `cannot-start`; nothing is left running.
        """
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._state.make()
        lock = self._state.lock()
        try:
            self._clear_leftovers()
            _refuse_taken(self._port)
            starting = asyncio.create_task(self._start())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopped
            starting.cancel()
            _say("stopping")
        finally:
            await self._stop()
            os.close(lock)

    async def _start(self) -> None:
        demo.seed(self._state)
        keys = KeyStore(self._state.keys)
        keys.ensure()
        ports = dict(zip(("nats", *NATIONAL), _free_ports(1 + len(NATIONAL)), strict=True))
        nats_url = f"nats://127.0.0.1:{ports['nats']}"
        nats = self._nats(nats_config.write(self._state, ports["nats"], keys.account_key().public), ports["nats"])
        environment = _credentials(ports)
        sandboxes = [self._sandbox(server, ports[server], environment) for server in NATIONAL]
        adapters = [self._adapter(server, nats_url, environment) for server in NATIONAL]
        gateway = self._gateway(nats_url)
        await self._begin(nats)
        await asyncio.gather(*(self._begin(child) for child in (gateway, *adapters, *sandboxes)))
        self._write_running(nats_url, ports)
        self._say_ready(ports)

    async def _begin(self, child: Child) -> None:
        self._children.append(child)
        await child.start()
        _say(f"{child.name} answers", time.monotonic() - self._began)
        self._keepers.append(asyncio.create_task(child.keep(_say)))

    async def _stop(self) -> None:
        for child in self._children:
            child.stopping = True
        by_kind = {kind: [c for c in self._children if c.name.startswith(kind)] for kind in ("gateway", "adapter", "")}
        for children in by_kind.values():
            await asyncio.gather(*(child.stop() for child in children))
        for keeper in self._keepers:
            keeper.cancel()
        with contextlib.suppress(OSError):
            self._state.running_file.unlink(missing_ok=True)

    def _nats(self, config: Path, port: int) -> Child:
        binary = self._nats_server or shutil.which("nats-server", path=str(Path(sys.executable).parent))
        if binary is None or not Path(binary).exists():
            raise Refusal(
                "cannot-start",
                vi="Không tìm thấy nats-server; hãy chỉ đường dẫn bằng --nats-server.",
                en="nats-server was not found; name its path with --nats-server.",
            )
        return self._child("nats-server", [str(binary), "-c", str(config)], ready=lambda: _port_answers(port))

    def _gateway(self, nats_url: str) -> Child:
        command = [*_lgsp(), "gateway", "run", "--name", "local", "--port", str(self._port), "--nats", nats_url]
        command += ["--nats-passwords", str(nats_config.passwords(self._state))]
        command += ["--keys", str(self._state.keys), "--registry", str(self._state.registry)]
        return self._child("gateway", command)

    def _sandbox(self, server: str, port: int, environment: dict[str, str]) -> Child:
        command = [*_lgsp(), "sandbox", "run", server, "--port", str(port), "--data", str(self._state.sandbox)]
        return self._child(f"sandbox {server}", command, environment)

    def _adapter(self, service: str, nats_url: str, environment: dict[str, str]) -> Child:
        command = [*_lgsp(), "adapter", "run", service, "--nats", nats_url]
        command += ["--gateway", f"http://127.0.0.1:{self._port}", "--keys", str(self._state.credentials)]
        return self._child(f"adapter {service}", command, environment)

    def _child(self, name: str, command: list[str], environment: dict[str, str] | None = None, **more: object) -> Child:
        log = self._state.logs / f"{name.replace(' ', '-')}.log"
        return Child(name, command, log, environment or {}, **more)  # type: ignore[arg-type]

    def _clear_leftovers(self) -> None:
        with contextlib.suppress(Refusal):
            end_leftovers(self._state.running()["pids"], str(self._state.root))
        self._state.running_file.unlink(missing_ok=True)

    def _write_running(self, nats_url: str, ports: dict[str, int]) -> None:
        running = {
            "url": f"http://127.0.0.1:{self._port}",
            "nats": nats_url,
            "sandbox": {server: f"http://127.0.0.1:{ports[server]}" for server in NATIONAL},
            "processes": {child.name: child.process.pid for child in self._children if child.process},
            "pids": [child.process.pid for child in self._children if child.process],
        }
        self._state.running_file.write_bytes(orjson.dumps(running, option=orjson.OPT_INDENT_2))

    def _say_ready(self, ports: dict[str, int]) -> None:
        url = f"http://127.0.0.1:{self._port}"
        _say(f"READY {url}", time.monotonic() - self._began)
        lines = [
            "",
            f"  gateway                      {url}",
            f"  nats-server                  127.0.0.1:{ports['nats']}",
        ]
        lines += [f"  sandbox {server:<20} http://127.0.0.1:{ports[server]}" for server in NATIONAL]
        lines += [
            f"  state, logs and keys         {self._state.root}",
            "",
            "Call the population database through the bus:",
            "",
        ]
        print("\n".join(lines))  # noqa: T201 - this is what the command is for
        print(example_call(url, self._state), flush=True)  # noqa: T201


def example_call(url: str, state: StateDir) -> str:
    """A call to paste into a shell."""
    lgsp = os.environ.get("LGSP_COMMAND", "lgsp")
    where = "" if state.root == Path(".lgsp") else f" --state-dir {state.root}"
    operation = catalogs.load(catalogs.shipped_folder())["population", 1].operations["verify-citizen"]
    body = orjson.dumps(operation.example.request).decode()
    return "\n".join(
        (
            f"curl -s {url}/services/population/v1/verify-citizen \\",
            f'  -H "Authorization: Bearer $({lgsp} token mot-cua{where})" \\',
            "  -H 'Lgsp-Purpose: giai-quyet-tthc' -H 'Content-Type: application/json' \\",
            f"  -d '{body}'",
        )
    )


def _lgsp() -> list[str]:
    return [sys.executable, "-m", "lgsp_gateway"]


def _credentials(ports: dict[str, int]) -> dict[str, str]:
    """What the sandbox servers ask for and the adapters send: made anew for each start, in no file."""
    environment = {}
    for server, names in CREDENTIALS.items():
        prefix = f"LGSP_{server.replace('-', '_').upper()}"
        environment[f"{prefix}_URL"] = f"http://127.0.0.1:{ports[server]}"
        environment |= {f"{prefix}_{name}": secrets.token_urlsafe(16) for name in names}
    return environment


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refusal(
                "cannot-start",
                vi=f"Không mở được cổng {port}: {error.strerror}; hãy chọn cổng khác bằng --port.",
                en=f"Cannot listen on port {port}: {error.strerror}; choose another with --port.",
            ) from None


async def _port_answers(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(NATS_POLL_SECONDS)
        else:
            writer.close()
            return


def _say(text: str, seconds: float | None = None) -> None:
    print(f"lgsp: {text}" + (f"  ({seconds:.1f} s)" if seconds is not None else ""), flush=True)  # noqa: T201
