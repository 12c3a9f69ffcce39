"""A folder reached by SFTP, on one connection that is made anew when it breaks.

The server's key has to be known (`known-hosts`): whoever could stand in its place would hand people's data to whom it likes.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncssh

from lgsp_adapters.folders.folder import REPORT, Drop, FolderGone
from lgsp_contracts.places import Place

CONNECT_SECONDS = 10
KEEPALIVE_SECONDS = 30
_GONE = (asyncssh.Error, OSError, TimeoutError)


class SftpFolder:
    """A folder on a server.

    Args:
        address: `sftp://USER@HOST:PORT/PATH`.
        connection: `known-hosts`, and `key` (a private key) or `password`.

    Raises:
        Refusal: `invalid-document`, when one of these is missing or is none.
    """

    look_seconds = 5.0
    settle_seconds = 10.0

    def __init__(self, address: str, connection: Mapping[str, Any], place: Place) -> None:
        told = urlsplit(address)
        if not told.username or not told.hostname or told.password:
            raise place.wrong("địa chỉ phải là sftp://NGƯỜI-DÙNG@MÁY/ĐƯỜNG-DẪN, không kèm mật khẩu", _ADDRESS)
        if "known-hosts" not in connection or not {"key", "password"} & set(connection):
            raise place.wrong("SFTP cần known-hosts (khóa của máy chủ) và key hoặc password", _NEEDED)
        self._path = unquote(told.path) or "."
        try:
            self._options: dict[str, Any] = {
                "host": told.hostname,
                "port": told.port or 22,
                "username": unquote(told.username),
                "known_hosts": asyncssh.import_known_hosts(connection["known-hosts"] + "\n"),
                "client_keys": [asyncssh.import_private_key(connection["key"])] if "key" in connection else None,
                "password": connection.get("password"),
                "config": None,
                "agent_path": None,
                "connect_timeout": CONNECT_SECONDS,
                "keepalive_interval": KEEPALIVE_SECONDS,
            }
        except (asyncssh.KeyImportError, ValueError):
            raise place.wrong("key hoặc known-hosts không đọc được", "key or known-hosts cannot be read") from None
        self._held: tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient] | None = None
        self._connecting = asyncio.Lock()

    async def drops(self, pattern: str) -> Sequence[Drop]:
        """The files whose names match."""
        async with self._client() as client:
            found = await client.readdir(self._path)
        return [
            Drop(name, f"{entry.attrs.mtime}-{entry.attrs.size}", float(entry.attrs.mtime or 0))
            for entry in found
            if (name := str(entry.filename))
            and fnmatchcase(name, pattern)
            and not name.endswith(REPORT)
            and entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR
        ]

    @asynccontextmanager
    async def local(self, drop: Drop) -> AsyncIterator[Path]:
        """A copy of a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drop"
            async with self._client() as client:
                await client.get(self._at(drop.name), str(path))
            yield path

    async def report(self, drop: Drop) -> bytes | None:
        """What was written beside a file, or None."""
        async with self._client() as client:
            try:
                async with client.open(self._at(drop.name + REPORT), "rb") as file:
                    content: bytes = await file.read()
                    return content
            except asyncssh.SFTPNoSuchFile:
                return None

    async def write_report(self, drop: Drop, content: bytes) -> None:
        """Write beside a file, whole or not at all."""
        part, report = self._at(f".{drop.name}{REPORT}.part"), self._at(drop.name + REPORT)
        async with self._client() as client:
            async with client.open(part, "wb") as file:
                await file.write(content)
            await client.posix_rename(part, report)

    async def close(self) -> None:
        """Close the connection."""
        if self._held:
            self._held[1].exit()
            self._held[0].close()
            self._held = None

    def _at(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[asyncssh.SFTPClient]:
        try:
            async with self._connecting:
                if self._held is None:
                    connection = await asyncssh.connect(**self._options)
                    self._held = (connection, await connection.start_sftp_client())
            yield self._held[1]
        except _GONE as error:
            await self.close()
            raise FolderGone(type(error).__name__) from None


_ADDRESS = "the address has to be sftp://USER@HOST/PATH, without a password in it"
_NEEDED = "SFTP needs known-hosts (the server's key) and key or password; add them to the connection"
