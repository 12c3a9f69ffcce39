"""A relay before a nats-server that keeps what a client sends behind a PING for a while, as a busy machine does at times."""

import asyncio
from contextlib import suppress

from support.waits import WORK_SECONDS

PING = b"PING\r\n"
KEPT_SECONDS = 0.2


class SlowRelay:
    """One address, behind which is the server of another."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> "SlowRelay":
        """Listen."""
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """End all connections."""
        self._listener.close()
        for writer in self._writers:
            writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers += [writer, server_writer]
        with suppress(ConnectionError):
            await asyncio.gather(self._pass(server_reader, writer), self._pass_slowly(reader, server_writer))

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(WORK_SECONDS):
            while piece := await reader.read(65536):
                writer.write(piece)
        writer.close()

    @staticmethod
    async def _pass_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(WORK_SECONDS):
            while piece := await reader.read(65536):
                while piece:
                    before, ping, piece = piece.partition(PING)
                    writer.write(before + ping)
                    if ping:
                        await asyncio.sleep(KEPT_SECONDS)
        writer.close()
