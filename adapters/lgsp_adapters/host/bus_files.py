"""The files of the bus, read and written over HTTP as the adapter's system."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import Message
from typing import Any

import aiohttp
import orjson

from lgsp_adapters.adapter import BusFiles, Call, FileFacts, FileRefused, UpstreamFailed, UpstreamLate
from lgsp_adapters.host.identity import SystemIdentity
from lgsp_adapters.upstream.body_reader import read_up_to
from lgsp_contracts.file_references import PREFIX, reference_to

MAX_BYTES = 256 * 1024 * 1024
"""Of one file: it is held in memory."""
_MAX_PROBLEM = 64 * 1024
_SCANNING_SECONDS = 0.5
_CREATED, _OK, _NOT_READY = 201, 200, "file-not-ready"
_FOR_EVER = frozenset({"file-refused", "file-not-allowed", "malformed"})
"""Problems of a file that is refused each time it is sent."""


class GatewayFiles(BusFiles):
    """The files of one gateway.

    Args:
        token: returns the access token of the moment.
    """

    def __init__(self, identity: SystemIdentity, token: Callable[[], str]) -> None:
        self._identity = identity
        self._token = token

    async def read(self, reference: str, call: Call) -> bytes:
        """Return the content of a file; see `BusFiles`."""
        _check_reference(reference)
        while True:
            status, content, headers = await self._request("GET", reference, call)
            if status == _OK:
                break
            if _code(content) != _NOT_READY or call.remaining < 2 * _SCANNING_SECONDS:
                raise UpstreamFailed("refused", f"GET /files: HTTP {status} {_code(content)}")
            await asyncio.sleep(_SCANNING_SECONDS)
        digest = headers.get("Repr-Digest", "")
        if digest and _digest_of(content) not in digest:
            raise UpstreamFailed("unintelligible", "a file of the bus did not arrive whole")
        return content

    async def write(self, content: bytes, name: str, media_type: str, call: Call) -> str:
        """Store a file, and return its reference; see `BusFiles`."""
        headers = {**_file_headers(name, media_type), "Repr-Digest": _digest_of(content)}
        status, answer, _ = await self._request("POST", "/files", call, headers, content)
        if status != _CREATED:
            note = f"POST /files: HTTP {status} {_code(answer)}"
            raise FileRefused(note) if _code(answer) in _FOR_EVER else UpstreamFailed("refused", note)
        return reference_to(_json(answer)["id"])

    async def describe(self, reference: str, call: Call) -> FileFacts:
        """Return name, type and size of a file; see `BusFiles`."""
        _check_reference(reference)
        status, content, _ = await self._request("GET", f"{reference}/metadata", call)
        if status != _OK:
            raise UpstreamFailed("refused", f"GET /files/{{id}}/metadata: HTTP {status} {_code(content)}")
        described = _json(content)
        return FileFacts(described["name"], described["mediaType"], described["size"])

    async def stream(self, reference: str, call: Call) -> AsyncIterator[bytes]:
        """Yield the content of a file in pieces; see `BusFiles`."""
        _check_reference(reference)
        digest = hashlib.sha256()
        async with self._open("GET", reference, call) as response:
            if response.status != _OK:
                content = await response.content.read(_MAX_PROBLEM)
                raise UpstreamFailed("refused", f"GET /files: HTTP {response.status} {_code(content)}")
            async for piece in response.content.iter_any():
                digest.update(piece)
                yield piece
            sent = response.headers.get("Repr-Digest", "")
        if base64.b64encode(digest.digest()).decode() not in sent:
            raise UpstreamFailed("unintelligible", "a file of the bus did not arrive whole")

    async def write_stream(
        self, pieces: AsyncIterable[bytes], size: int, name: str, media_type: str, call: Call
    ) -> str:
        """Store a file that comes in pieces; see `BusFiles`."""
        headers = {**_file_headers(name, media_type), "Content-Length": str(size)}
        async with self._open("POST", "/files", call, headers, pieces) as response:
            answer = await response.content.read(_MAX_PROBLEM)
            if response.status != _CREATED:
                raise UpstreamFailed("refused", f"POST /files: HTTP {response.status} {_code(answer)}")
        return reference_to(_json(answer)["id"])

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, call: Call, headers: dict[str, str] | None = None, data: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        sent = {"Authorization": f"Bearer {self._token()}", **(headers or {})}
        if call.traceparent:
            sent["traceparent"] = call.traceparent
        if call.remaining <= 0:
            raise UpstreamLate(f"{method} /files: no time was left")
        timeout = aiohttp.ClientTimeout(total=call.remaining)
        try:
            async with (
                self._identity.session(timeout=timeout, auto_decompress=False) as session,
                session.request(method, self._identity.gateway + path, headers=sent, data=data) as response,
            ):
                yield response
        except TimeoutError as error:
            raise UpstreamLate(f"{method} /files: no answer in time") from error
        except aiohttp.ClientError as error:
            raise UpstreamFailed("unreachable", f"{method} /files: {type(error).__name__}") from error

    async def _request(
        self, method: str, path: str, call: Call, headers: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, bytes, Any]:
        async with self._open(method, path, call, headers, data) as response:
            content = await read_up_to(MAX_BYTES, response.content)
        if len(content) > MAX_BYTES:
            raise UpstreamFailed("unfit", f"a file has more than {MAX_BYTES} bytes")
        return response.status, content, response.headers


def _check_reference(reference: str) -> None:
    if not reference.startswith(PREFIX):
        raise UpstreamFailed("unfit", "the reference of a file is not /files/{id}")


def _file_headers(name: str, media_type: str) -> dict[str, str]:
    disposition = Message()
    disposition.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    return {"Content-Type": media_type, "Content-Disposition": disposition["Content-Disposition"]}


def _digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def _json(content: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _code(content: bytes) -> str:
    """Return the problem code of a response; it names no value."""
    return str(_json(content).get("code", ""))[:60]
