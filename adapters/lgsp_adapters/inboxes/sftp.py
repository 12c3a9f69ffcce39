"""A folder reached by SFTP, on one connection that is reopened when it is lost or when the server takes too long.

The server's key has to be known (`known-hosts`): an impostor could deliver false data and read what is written back.
"""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import asyncssh

from lgsp_adapters.inboxes.inbox_file import (
    LIST_SECONDS,
    MAX_LISTED,
    MAX_SIDECAR_BYTES,
    PARTIAL_SUFFIX,
    FileNotReadyError,
    InboxFile,
    InboxUnavailableError,
    Listing,
    is_inbox_file,
    sidecar_name,
)
from lgsp_adapters.tabular.limits import MAX_BYTES, UnreadableFileError
from lgsp_contracts.source_location import SourceLocation

CONNECT_SECONDS = 10
KEEPALIVE_SECONDS = 30
ANSWER_SECONDS = 20.0
"""For one request; a server that keeps its connection alive without answering is given up."""

FETCH_SECONDS = 300.0
"""For one file, however slowly it comes."""

_CHUNK = 256 * 1024
_GONE = (asyncssh.Error, OSError, TimeoutError)


class SftpInbox:
    """A folder on a server.

    Args:
        address: `sftp://USER@HOST:PORT/PATH`.
        connection: `known-hosts`, and `key` (a private key) or `password`.

    Raises:
        Refusal: `invalid-document`, when one of these is missing or is none.
    """

    stable_seconds = 10.0

    def __init__(
        self, address: str, connection: Mapping[str, Any], location: SourceLocation, *, poll_seconds: float = 5.0
    ) -> None:
        self.poll_seconds = poll_seconds
        parts = urlsplit(address)
        if not parts.username or not parts.hostname or parts.password:
            raise location.refusal(
                "địa chỉ phải là sftp://NGƯỜI-DÙNG@MÁY/ĐƯỜNG-DẪN, không kèm mật khẩu", _ADDRESS_EXPECTED
            )
        if "known-hosts" not in connection or not {"key", "password"} & set(connection):
            raise location.refusal("SFTP cần known-hosts (khóa của máy chủ) và key hoặc password", _CREDENTIALS_NEEDED)
        self._path = unquote(parts.path) or "."
        try:
            self._options: dict[str, Any] = {
                "host": parts.hostname,
                "port": parts.port or 22,
                "username": unquote(parts.username),
                "known_hosts": asyncssh.import_known_hosts(connection["known-hosts"] + "\n"),
                "client_keys": [asyncssh.import_private_key(connection["key"])] if "key" in connection else None,
                "password": connection.get("password"),
                "config": None,
                "agent_path": None,
                "connect_timeout": CONNECT_SECONDS,
                "keepalive_interval": KEEPALIVE_SECONDS,
            }
        except (asyncssh.KeyImportError, ValueError) as error:
            raise location.refusal(
                "key hoặc known-hosts không đọc được", "key or known-hosts cannot be read"
            ) from error
        self._connection: tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient] | None = None
        self._connecting = asyncio.Lock()

    async def listing(self, pattern: str, most: int = 0) -> Listing:
        """List the files whose names match a pattern."""
        listing, seen = Listing(most), 0
        async with self._client(LIST_SECONDS) as client:
            async for entry in client.scandir(self._path):
                seen += 1
                if seen > MAX_LISTED:
                    raise InboxUnavailableError(f"it holds more than {MAX_LISTED} files; move old ones away")
                name = str(entry.filename)
                if not is_inbox_file(name, pattern):
                    continue
                if entry.attrs.type != asyncssh.FILEXFER_TYPE_REGULAR:
                    listing.reject(name, "no plain file")
                elif "/" in name:
                    listing.reject(name, "a name that leads elsewhere")
                else:
                    listing.add(_inbox_file(name, entry.attrs))
        return listing

    @asynccontextmanager
    async def opened(self, inbox_file: InboxFile) -> AsyncIterator[BinaryIO]:
        """Open a copy of a file."""
        if inbox_file.size > MAX_BYTES:
            raise UnreadableFileError(f"it is larger than {MAX_BYTES // 1024**2} MiB")
        with tempfile.TemporaryFile() as file:
            try:
                async with self._client(FETCH_SECONDS) as client:
                    await _fetch(client, self._at(inbox_file.name), inbox_file, file)
            except InboxUnavailableError as unavailable:  # or this file alone; the next listing tells
                raise FileNotReadyError from unavailable
            file.seek(0)
            yield file

    async def read_sidecar(self, inbox_file: InboxFile, ending: str) -> bytes | None:
        """Read the sidecar of a file, or None."""
        path = self._at(sidecar_name(inbox_file.name, ending))
        async with self._client() as client:
            try:
                attributes = await client.lstat(path)
                if attributes.type != asyncssh.FILEXFER_TYPE_REGULAR or (attributes.size or 0) > MAX_SIDECAR_BYTES:
                    return None
                async with client.open(path, "rb") as file:
                    content: bytes = await _read_chunk(file, MAX_SIDECAR_BYTES + 1)
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied):
                return None
        return content if len(content) <= MAX_SIDECAR_BYTES else None

    async def write_sidecar(self, inbox_file: InboxFile, ending: str, content: bytes) -> None:
        """Write the sidecar of a file, whole or not at all."""
        part, whole = (
            self._at(f".{secrets.token_hex(16)}{PARTIAL_SUFFIX}"),
            self._at(sidecar_name(inbox_file.name, ending)),
        )
        async with self._client() as client:
            try:
                async with client.open(part, "xb") as file:
                    await file.write(content)
                await client.posix_rename(part, whole)
            except asyncssh.SFTPError:
                with suppress(asyncssh.SFTPError):
                    await client.remove(part)
                raise

    async def close(self) -> None:
        """Close the connection, without asking the server."""
        if self._connection:
            self._connection[1].exit()
            self._connection[0].abort()
            self._connection = None

    def _at(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    @asynccontextmanager
    async def _client(self, seconds: float = ANSWER_SECONDS) -> AsyncIterator[asyncssh.SFTPClient]:
        """Provide the connection for as long as a request may take, then cut it.

        Cancelling the request instead would ask the server to close its file, and wait for that.
        """
        late = asyncio.Event()
        timer: asyncio.TimerHandle | None = None
        try:
            connection, client = await self._connected(seconds)
            timer = asyncio.get_running_loop().call_later(seconds, _cut, connection, late)
            yield client
        except _GONE as error:
            await self.close()
            our_timeout = late.is_set() or isinstance(error, TimeoutError)
            raise InboxUnavailableError(
                f"it does not answer within {seconds:g} seconds" if our_timeout else type(error).__name__
            ) from error
        finally:
            if timer:
                timer.cancel()

    async def _connected(self, seconds: float) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        async with asyncio.timeout(seconds), self._connecting:
            if self._connection is None:
                connection = await asyncssh.connect(**self._options)
                try:
                    # a name may be any bytes
                    client = await connection.start_sftp_client(path_encoding="utf-8", path_errors="surrogateescape")
                except BaseException:
                    connection.abort()
                    raise
                self._connection = (connection, client)
            return self._connection


def _cut(connection: asyncssh.SSHClientConnection, late: asyncio.Event) -> None:
    late.set()
    connection.abort()


async def _fetch(client: asyncssh.SFTPClient, path: str, inbox_file: InboxFile, file: BinaryIO) -> None:
    """Copy what was listed, and nothing else."""
    try:
        attributes = await client.lstat(path)
        if attributes.type != asyncssh.FILEXFER_TYPE_REGULAR or _inbox_file(inbox_file.name, attributes) != inbox_file:
            raise FileNotReadyError
        async with client.open(path, "rb") as source:
            received = 0
            while chunk := await _read_chunk(source, _CHUNK):
                received += file.write(chunk)
                if received > inbox_file.size:
                    raise FileNotReadyError
            if received != inbox_file.size or _inbox_file(inbox_file.name, await source.stat()) != inbox_file:
                raise FileNotReadyError
    except asyncssh.SFTPNoSuchFile as error:
        raise FileNotReadyError from error
    except asyncssh.SFTPPermissionDenied as error:
        raise UnreadableFileError("it cannot be opened (SFTPPermissionDenied)") from error
    file.flush()


async def _read_chunk(file: asyncssh.SFTPClientFile, size: int) -> bytes:
    chunk = await file.read(size)
    return chunk.encode() if isinstance(chunk, str) else bytes(chunk)


def _inbox_file(name: str, attributes: asyncssh.SFTPAttrs) -> InboxFile:
    return InboxFile(
        name, f"{attributes.mtime}-{attributes.size}", float(attributes.mtime or 0), int(attributes.size or 0)
    )


_ADDRESS_EXPECTED = "the address must be sftp://USER@HOST/PATH, without a password"
_CREDENTIALS_NEEDED = "SFTP needs known-hosts (the server's key) and key or password; add them to the connection"
