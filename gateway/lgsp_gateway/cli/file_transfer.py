"""Sends a file to a bus by tus 1.0 and fetches one back, going on where a connection breaks."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import aiohttp

from lgsp_gateway.cli.problem_documents import refusal_from_response
from lgsp_problems import Refusal

PART_BYTES = 8 * 1024 * 1024
READ_BYTES = 1024 * 1024
TRIES = 5
_TUS = {"Tus-Resumable": "1.0.0"}
Progress = Callable[[int, int], None]
T = TypeVar("T")


class FileTransfer:
    """Moves files between this machine and a bus.

    Args:
        session: with the address of the bus and the caller's headers.
        progress: is told the bytes that were moved, and all that are to be.
    """

    def __init__(self, session: aiohttp.ClientSession, progress: Progress) -> None:
        self._session = session
        self._progress = progress

    async def upload(self, file: Path, media_type: str, sha256: str, begun: str) -> str:
        """Upload a file, or go on with an upload that was begun; return its reference.

        Args:
            sha256: of the file, in hex.
            begun: the reference of that upload; empty to begin one.

        Raises:
            Refusal: what the gateway refused with.
        """
        size = file.stat().st_size  # noqa: ASYNC240 - a command does one thing at a time
        reference = begun or await self._begin(file.name, media_type, sha256, size)
        offset = await self._offset(reference) if begun else 0
        while offset < size:
            offset = await _with_retries(partial(self._send_from, reference, file, offset, size))
            self._progress(offset, size)
        return reference

    async def download(self, reference: str, target: Path) -> str:
        """Fetch a file; return its SHA-256 in hex, as the bus has it.

        Raises:
            Refusal: what the gateway refused with; `file-refused`, where what arrived is not what the bus has.
        """
        declared = ""
        with target.open("wb") as out:
            while True:
                declared, size = await _with_retries(partial(self._fetch_from, reference, out))
                if out.tell() >= size:
                    break
        with target.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        if declared not in ("", base64.b64encode(digest.digest()).decode()):
            raise Refusal(
                "file-refused",
                vi=f"Nội dung nhận được không khớp SHA-256 của trục; hãy xóa {target} và tải lại.",
                en=f"What arrived does not have the SHA-256 that the bus has; delete {target} and download it again.",
            )
        return digest.hexdigest()

    async def _begin(self, name: str, media_type: str, sha256: str, size: int) -> str:
        values = {"filename": name, "filetype": media_type, "sha256": sha256}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
        async with self._session.post("/files", headers=headers) as answer:
            if answer.status != 201:
                raise refusal_from_response(answer.status, await answer.read())
            return answer.headers["Location"]

    async def _offset(self, reference: str) -> int:
        async with self._session.head(reference, headers=_TUS) as answer:
            if answer.status != 200:
                async with self._session.get(f"{reference}/metadata") as described:
                    raise refusal_from_response(described.status, await described.read())
            return int(answer.headers["Upload-Offset"])

    async def _send_from(self, reference: str, file: Path, offset: int, size: int) -> int:
        """Send the next part; where the bus has more or less than was thought, return what it has."""
        length = min(PART_BYTES, size - offset)
        headers = {
            **_TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        async with self._session.patch(reference, data=_part(file, offset, length), headers=headers) as answer:
            if answer.status == 409 and "Upload-Offset" in answer.headers:
                return int(answer.headers["Upload-Offset"])
            if answer.status != 204:
                raise refusal_from_response(answer.status, await answer.read())
            return int(answer.headers["Upload-Offset"])

    async def _fetch_from(self, reference: str, out: BinaryIO) -> tuple[str, int]:
        """Fetch what is missing of a file; return its digest in base64, and its size."""
        offset = out.tell()
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        async with self._session.get(reference, headers=headers) as answer:
            if answer.status not in (200, 206):
                raise refusal_from_response(answer.status, await answer.read())
            size = offset + (answer.content_length or 0)
            async for piece in answer.content.iter_chunked(READ_BYTES):
                out.write(piece)
                offset += len(piece)
                self._progress(offset, size)
            return answer.headers.get("Repr-Digest", "").removeprefix("sha-256=:").removesuffix(":"), size


async def _with_retries(work: Callable[[], Awaitable[T]]) -> T:
    """Run some work, and again where the connection broke."""
    for attempt in range(1, TRIES + 1):
        try:
            return await work()
        except (aiohttp.ClientPayloadError, aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if attempt == TRIES:
                raise
    raise AssertionError("unreachable")


async def _part(file: Path, offset: int, length: int) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        content.seek(offset)
        while length > 0 and (piece := content.read(min(READ_BYTES, length))):
            length -= len(piece)
            yield piece
