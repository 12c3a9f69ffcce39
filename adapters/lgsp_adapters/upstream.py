"""HTTP to a provider's system: a pool of connections, the caller's deadline, and failures in the adapter's words.

Redirects are not followed (a system that can send the adapter elsewhere can send it to an address inside the network),
and an answer is read up to a limit.
"""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from opentelemetry.trace import SpanKind
from yarl import URL

from lgsp_adapters.adapter import Call, UpstreamFailed, UpstreamLate

MAX_ANSWER = 4 * 1024 * 1024
MAX_CONNECTIONS = 64


class Upstream:
    """One system behind an adapter.

    Args:
        base: its address, without a slash at the end.
        tls: whom to believe and what to show, where that is not what the machine believes.
    """

    def __init__(self, base: str, tls: ssl.SSLContext | None = None) -> None:
        self._base = base.rstrip("/")
        self._host = urlsplit(base).hostname or ""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=60, ssl=tls or True),
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        call: Call,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer.

        Raises:
            UpstreamLate: the deadline passed.
            UpstreamFailed: no connection, or an answer that is too large.
        """
        if call.remaining <= 0:
            raise UpstreamLate
        about: dict[str, str | int] = {"http.request.method": method, "server.address": self._host}
        try:
            with call.spans.around(f"{method} {self._host}", SpanKind.CLIENT, call.traceparent, about) as traceparent:
                async with self._session.request(
                    method,
                    URL(self._base + path, encoded=True),
                    headers={"traceparent": traceparent, **(headers or {})},
                    params=params,
                    data=form if form is not None else body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=call.remaining),
                ) as answer:
                    content = await answer.content.read(MAX_ANSWER + 1)
                    while len(content) <= MAX_ANSWER and (more := await answer.content.read(MAX_ANSWER)):
                        content += more
        except TimeoutError:
            raise UpstreamLate from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise UpstreamFailed("unreachable", type(error).__name__) from None
        if len(content) > MAX_ANSWER:
            raise UpstreamFailed("unintelligible", f"the answer is larger than {MAX_ANSWER} bytes")
        return answer.status, content

    async def post_json(
        self, path: str, call: Call, document: Any, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Post a JSON document and read the object that comes back with status 200.

        Raises:
            UpstreamLate, UpstreamFailed: also when the answer is no JSON object or has another status.
        """
        headers = {"Content-Type": "application/json", **(headers or {})}
        status, content = await self.send("POST", path, call, headers=headers, body=orjson.dumps(document), **more)
        return json_object(status, content)


def json_object(status: int, content: bytes) -> dict[str, Any]:
    """The object in an answer.

    Raises:
        UpstreamFailed: another status than 200, or no JSON object.
    """
    if status != 200:
        raise UpstreamFailed("refused" if status in (401, 403) else "broken", f"HTTP {status}")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise UpstreamFailed("unintelligible", "the answer is not JSON") from None
    if not isinstance(document, dict):
        raise UpstreamFailed("unintelligible", "the answer is not a JSON object")
    return document
