"""Relays between the servers of a cluster, which can be cut: nothing passes then, and nobody is told, as when a network fails."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from support.steady_clients import RUN_SECONDS


class Relay:
    """One way: from its own port to that of a server."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._passes = asyncio.Event()
        self._passes.set()
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; return the port."""
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._listener.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Let nothing pass from now on."""
        self._passes.clear()

    def heal(self) -> None:
        """Let things pass again; connections of before are gone, as after a long failure."""
        self._close()
        self._passes.set()

    def stop(self) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        self._close()

    def _close(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._passes.wait()
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._writers += [writer, server_writer]
            for one, other in ((reader, server_writer), (server_reader, writer)):
                task = asyncio.create_task(self._pass(one, other))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            await self._pass_pieces(reader, writer)
        writer.close()

    async def _pass_pieces(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(RUN_SECONDS):
            while piece := await reader.read(65536):
                await self._passes.wait()
                writer.write(piece)
                await writer.drain()


class Routes:
    """The ways between all servers of a cluster.

    Args:
        ports: where each server listens for the others.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._relays = {
            (one, other): Relay(port) for one in range(len(ports)) for other, port in enumerate(ports) if one != other
        }
        self._ports: dict[tuple[int, int], int] = {}

    async def start(self) -> "Routes":
        self._ports = {way: await relay.start() for way, relay in self._relays.items()}
        return self

    def ports_from(self, server: int) -> list[int]:
        """Return where a server reaches each of the others."""
        return [port for (one, _), port in self._ports.items() if one == server]

    def cut_off(self, server: int) -> None:
        """Let nothing pass between a server and the others."""
        for way, relay in self._relays.items():
            if server in way:
                relay.cut()

    def heal(self) -> None:
        for relay in self._relays.values():
            relay.heal()

    async def stop(self) -> None:
        for relay in self._relays.values():
            relay.stop()
