"""An SFTP server on a real socket, which knows one user's key and shows one folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh


@dataclass(frozen=True)
class Share:
    url: str
    key: str
    known_hosts: str


@asynccontextmanager
async def shared(folder: Path, kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer) -> AsyncIterator[Share]:
    host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    authorized = asyncssh.import_authorized_keys(user.export_public_key().decode())

    def files(channel: Any) -> asyncssh.SFTPServer:
        return kind(channel, chroot=str(folder).encode())

    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[host], authorized_client_keys=authorized, sftp_factory=files
    )
    port = server.sockets[0].getsockname()[1]
    known = f"[127.0.0.1]:{port} {host.export_public_key().decode()}"
    yield Share(f"sftp://lgsp@127.0.0.1:{port}/", user.export_private_key().decode(), known)
    server.close()
    await server.wait_closed()
