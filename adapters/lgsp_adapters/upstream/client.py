"""HTTP to a provider's system: a pool of connections, the caller's deadline, and failures in the adapter's words.

Redirects are not followed (a system that can send the adapter elsewhere can send it to an address inside the network),
and an answer is read up to a limit. Nothing of one call reaches the next (`connection_pool.py`).
"""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from opentelemetry.trace import SpanKind
from yarl import URL

from lgsp_adapters.adapter import BusFiles, Call, UnfitRequest, UpstreamFailed, UpstreamLate
from lgsp_adapters.upstream import connection_pool
from lgsp_adapters.upstream.body_reader import read_up_to
from lgsp_adapters.upstream.connection_pool import MAX_CONNECTIONS, BeforeSending, StaleConnectionError
from lgsp_adapters.upstream.request_limiter import RequestLimiter
from lgsp_adapters.upstream.response import Response, StoredFile
from lgsp_adapters.upstream.streamed_body import StreamedBody
from lgsp_contracts import exact_json
from lgsp_problems import CannotStart
from lgsp_runtime import connection_errors

MAX_ANSWER = 4 * 1024 * 1024
CONNECTING = 0.9
"""The part of a call's time that a connection may take, TLS included: shorter than the deadline, so that the error names the connection as the cause."""
REASON_SECONDS = 30.0
"""How long the reason found for a rejected certificate is kept: it is not looked up again for each call."""
_ERROR_MESSAGES: dict[type[BaseException], str] = {
    aiohttp.ServerDisconnectedError: "it closed the connection without an answer",
    aiohttp.ClientResponseError: "its answer is not HTTP",
}


class Upstream:
    """One system behind an adapter.

    Args:
        base: its address, without a slash at the end.
        tls: the authorities to trust and the client certificate; None for the machine's own authorities.
        limiter: keeps the limit of the provider; None where it sets none.
        max_answer: bytes of an answer.
        files: returns the files of the bus, for requests that send some and answers that become one.
    """

    def __init__(
        self,
        base: str,
        tls: ssl.SSLContext | None = None,
        limiter: RequestLimiter | None = None,
        *,
        max_answer: int = MAX_ANSWER,
        files: Callable[[], BusFiles] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        self._certificate_reasons: dict[str, tuple[str, float]] = {}
        self._display_address = parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")
        self._session = connection_pool.open_pool(tls)
        self._limiter = limiter
        self._max_answer = max_answer
        self._files = files

    def files(self) -> BusFiles:
        """Return the files of the bus.

        Raises:
            UnfitRequest: the adapter runs without a bus, as when it is tried.
        """
        try:
            if self._files is not None:
                return self._files()
        except CannotStart as error:
            raise UnfitRequest("files are there on a bus alone; run the adapter with lgsp adapter run") from error
        raise UnfitRequest("this connector sends and stores no files")

    def url(self, path: str, params: Mapping[str, str | list[str]] | Mapping[str, str] | None = None) -> URL:
        """Return the address of a path, with the query as it is sent.

        Args:
            path: escaped.
        """
        address = URL(self.base + path, encoded=True)
        return address.extend_query(params) if params else address

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
        display_path: str = "",
    ) -> Response:
        """Send a request, and return the response, whatever its status.

        Args:
            display_path: the path as logs may say it, without a value of the call.

        Raises:
            UpstreamLate: the deadline passed.
            UpstreamFailed: no connection, or an answer that is too large.
            LimitReached: the provider's limit allows no request before the deadline.
        """
        data = form if form is not None else body
        return await self.request(method, self.url(path, params), call, headers, data, display_path)

    async def request(
        self,
        method: str,
        url: URL,
        call: Call,
        headers: Mapping[str, str] | None = None,
        data: bytes | StreamedBody | Mapping[str, str] | None = None,
        display_path: str = "",
        *,
        stores_answer: bool = False,
    ) -> Response:
        """Send a request to an address, which the caller has checked to be one of this system; see `send`.

        Args:
            stores_answer: whether a successful answer becomes a file of the bus as it arrives (`Response.stored`).
        """
        request = _Outgoing(method, url, headers or {}, data, display_path, stores_answer)
        if self._limiter is None:
            call.requests += 1
            return await self._request(request, call, ())
        async with self._limiter.permit(call) as permit:

            async def use_permit() -> None:
                is_first = not permit.is_used
                await permit.use()
                call.requests += is_first

            return await self._request(request, call, (BeforeSending(use_permit),))

    async def _request(self, request: "_Outgoing", call: Call, middlewares: tuple[BeforeSending, ...]) -> Response:
        where = f"{request.method} {self._display_address}{request.display_path}"
        about: dict[str, str | int] = {"http.request.method": request.method, "server.address": self._host}
        try:
            with (
                call.upstream_time,
                call.spans.span(
                    f"{request.method} {self._host}", SpanKind.CLIENT, call.traceparent, about
                ) as traceparent,
            ):
                for _ in range(MAX_CONNECTIONS + 1):  # each that is stale is closed
                    if call.remaining <= 0:
                        raise UpstreamLate(f"{where}: no time was left")
                    try:
                        async with self._session.request(
                            request.method,
                            request.url,
                            headers={"traceparent": traceparent, **request.all_headers()},
                            data=request.body(),
                            allow_redirects=False,
                            middlewares=middlewares,
                            timeout=aiohttp.ClientTimeout(
                                total=call.remaining, sock_connect=call.remaining * CONNECTING
                            ),
                        ) as answer:
                            if request.stores_answer and 200 <= answer.status < 300:
                                return await self._store_response(answer, where, call)
                            return await _read_response(answer, where, self._max_answer)
                    except StaleConnectionError:
                        continue
        except aiohttp.ConnectionTimeoutError as error:
            raise UpstreamLate(f"{where}: no connection in time") from error
        except TimeoutError as error:
            raise UpstreamLate(f"{where}: no answer in time") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            note = f"{where}: {await self._reason(error, call.remaining / 2)}"
            raise UpstreamFailed("unreachable", note, connected=_was_connected(error)) from error
        raise UpstreamFailed("unreachable", f"{where}: the system sends responses without a request")

    async def _store_response(self, answer: aiohttp.ClientResponse, where: str, call: Call) -> Response:
        """Store the body of an answer as a file of the bus; in pieces where it says how long it is."""
        disposition = answer.content_disposition
        name = (disposition.filename if disposition else None) or ""
        media_type = answer.content_type if "Content-Type" in answer.headers else "application/octet-stream"
        size = answer.content_length
        if size is None or "Content-Encoding" in answer.headers:
            response = await _read_response(answer, where, self._max_answer)
            reference = await self.files().write(response.content, name, media_type, call)
            size = len(response.content)
        else:
            reference = await self.files().write_stream(answer.content.iter_any(), size, name, media_type, call)
            response = _response(answer, b"", where)
        return replace(response, stored=StoredFile(reference, name, media_type, size))

    async def _reason(self, error: BaseException, seconds: float) -> str:
        reason = next(
            (message for kind, message in _ERROR_MESSAGES.items() if isinstance(error, kind)),
            connection_errors.describe_error(error),
        )
        if not isinstance(error, aiohttp.ClientConnectorCertificateError):
            return reason
        certificate_reason, until = self._certificate_reasons.get(reason, ("", 0.0))
        if time.monotonic() > until:
            until = time.monotonic() + REASON_SECONDS
            self._certificate_reasons = {reason: (reason, until)}  # for the calls that fail meanwhile
            certificate_reason = await connection_errors.describe_with_certificate(
                error, self._host, self._port, seconds
            )
            self._certificate_reasons = {reason: (certificate_reason, until)}
        return certificate_reason

    async def post_json(
        self, path: str, call: Call, document: Any, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Post a JSON document and read the object that comes back with status 200.

        Raises:
            UpstreamLate, UpstreamFailed: also when the answer is no JSON object or has another status.
        """
        headers = {"Content-Type": "application/json", **(headers or {})}
        return json_object(
            await self.send("POST", path, call, headers=headers, body=exact_json.dumps(document), **more)
        )


class _Outgoing(NamedTuple):
    """A request as it is sent, perhaps more than once."""

    method: str
    url: URL
    headers: Mapping[str, str]
    data: bytes | StreamedBody | Mapping[str, str] | None
    display_path: str
    stores_answer: bool

    def all_headers(self) -> Mapping[str, str]:
        """Return the headers, with the length of a body that is sent in pieces."""
        if isinstance(self.data, StreamedBody):
            return {**self.headers, "Content-Length": str(self.data.length)}
        return self.headers

    def body(self) -> Any:
        """Return the body, from its beginning."""
        return self.data.stream() if isinstance(self.data, StreamedBody) else self.data


def _was_connected(error: Exception) -> bool:
    """Tell whether a connection was made, over which TLS or HTTP then failed."""
    if isinstance(error, aiohttp.ClientSSLError) or not isinstance(error, aiohttp.ClientConnectorError):
        return True
    return isinstance(error.os_error, ConnectionResetError)


async def _read_response(answer: aiohttp.ClientResponse, where: str, max_answer: int) -> Response:
    try:
        content = await read_up_to(max_answer, answer.content)
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError) as error:
        note = (
            f"{where}: HTTP {answer.status}, and the body was cut off or is not in the encoding that the header names"
        )
        raise UpstreamFailed("unreachable", note, connected=True) from error
    if len(content) > max_answer:
        note = f"{where}: HTTP {answer.status}, and the answer is larger than {max_answer} bytes"
        raise UpstreamFailed("unintelligible", note)
    return _response(answer, content, where)


def _response(answer: aiohttp.ClientResponse, content: bytes, where: str) -> Response:
    return Response(
        answer.status,
        content,
        where,
        answer.content_type if "Content-Type" in answer.headers else "",
        (answer.charset or "").lower(),
        answer.headers.get("Content-Type", ""),
        {name: morsel.coded_value for name, morsel in answer.cookies.items() if morsel.value},
        _joined_headers(answer.headers),
        answer.url,
    )


def _joined_headers(headers: Mapping[str, str]) -> dict[str, str]:
    joined = {name.lower(): value for name, value in headers.items()}
    if len(joined) < len(headers):
        for repeated in joined:
            joined[repeated] = ", ".join(value for name, value in headers.items() if name.lower() == repeated)
    return joined


def json_object(answer: Response) -> dict[str, Any]:
    """Parse the JSON object in a response.

    Raises:
        UpstreamFailed: another status than 200, or no JSON object.
    """
    if answer.status != 200:
        raise answer.bad_status()
    try:
        document = exact_json.loads(answer.text())
    except ValueError as error:
        raise answer.failed("unintelligible", "the answer is not JSON") from error
    if not isinstance(document, dict):
        raise answer.failed("unintelligible", "the answer is not a JSON object")
    return document
