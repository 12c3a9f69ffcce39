"""The command `lgsp` for shell scripts, forked from a process that has imported the bus already (`preloaded.py`).

A tutorial runs it twenty times; a fresh interpreter takes one to two seconds of a core for each.
"""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

from support.preloaded import Fork

MAX_BYTES = 200_000
"""What a message of a Unix socket holds: arguments and environment."""

CLIENT = """\
#!{python} -IS
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect({address!r})
request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(server, [request], [0, 1, 2])
process = int(server.recv(20))
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda received, _: os.kill(process, received))
status = int(server.recv(20))
sys.exit(status if status >= 0 else 128 - status)
"""


class CommandServer:
    """An executable `lgsp` in a folder, and what runs its processes."""

    def __init__(self, folder: Path) -> None:
        self.command = folder / "lgsp"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Write the executable, and serve it until `stop`."""
        address = str(self.command.with_suffix(".socket"))
        self._socket.bind(address)
        self._socket.listen()
        self.command.write_text(CLIENT.format(python=sys.executable, address=address))
        self.command.chmod(0o755)
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def stop(self) -> None:
        """Serve no more; what runs goes on."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        client, _ = self._socket.accept()
        task = asyncio.create_task(self._run(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, client: socket.socket) -> None:
        with client:
            request, streams, _, _ = socket.recv_fds(client, MAX_BYTES, 3)  # sent with the connection: there is no wait
            arguments, environment, folder = json.loads(request)
            fork = Fork(arguments, environment, streams, folder)
            for stream in streams:
                os.close(stream)
            client.send(str(fork.pid).encode())
            client.send(str(await fork.wait()).encode())
