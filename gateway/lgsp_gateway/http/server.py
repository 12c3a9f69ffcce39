"""The HTTP server: one listening socket, calls on the fast path, everything else through an aiohttp application.

The face whose calls take the fast path is an argument: this module knows of calls only the prefix of their paths.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

import uuid_utils
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from lgsp_gateway.http import problems, routes
from lgsp_gateway.http.client_address import HEADER, client_address
from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.connections import Acceptor
from lgsp_gateway.http.fast_path.connection import FastPathConnection
from lgsp_gateway.http.fast_path.delegate import Delegate
from lgsp_gateway.http.fast_path.pool import CallHandler, ConnectionPool, RequestCounts
from lgsp_gateway.http.request_body import BODY_SECONDS, MAX_BODY
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.tls import TlsFiles

PREFIX = "/services/"
HEALTH = ("/livez", "/readyz", "/metrics")
DRAIN_SECONDS = 2.0
"""For which a gateway behind load balancers goes on to answer while `/readyz` says that it stops. One that does not know that yet sends requests
on a connection that is being closed, and may not send them again."""

Head = TypeVar("Head")


class Face(CallHandler[Head], Protocol):
    """A face: answers calls that come over the fast path, and calls that come through aiohttp."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call that does not take the fast path."""


class HttpServer(Generic[Head]):
    """Serves calls and the management API on one port.

    Args:
        face: whose calls take the fast path.
        app: the routes of the management API.
        is_stale: returns whether the gateway's copy of the registry is too old to serve requests; health routes are served anyway.
        fast_path: whether calls take the fast path; otherwise aiohttp handles everything.
    """

    def __init__(
        self,
        face: Face[Head],
        app: web.Application,
        is_stale: Callable[[], bool],
        limits: ConnectionLimits,
        *,
        fast_path: bool = True,
    ) -> None:
        self._limits = limits
        self._acceptor: Acceptor | None = None
        self._is_stale = is_stale
        self._face = face
        self._app = app
        self._pool = ConnectionPool(face, limits, enabled=fast_path)
        app[BODY_SECONDS] = limits.body_seconds
        app.middlewares.insert(0, self._middleware())
        app.router.add_route("*", PREFIX + "{call:.*}", face.handle, expect_handler=routes.defer_continue)

    @staticmethod
    def application() -> web.Application:
        """Create an application without routes, whose requests may have bodies of `MAX_BODY` bytes."""
        return routes.application(MAX_BODY)

    @property
    def counts(self) -> RequestCounts:
        """Return the number of requests so far, by how they were handled."""
        return self._pool.counts

    async def open(self, host: str, port: int, tls: TlsFiles | None, *, share_port: bool) -> int:
        """Listen on a port of a host.

        Args:
            tls: the certificate and key; None for plain HTTP.
            share_port: whether other processes may listen on the same port; the kernel distributes connections among them.

        Returns:
            The port, chosen by the system where 0 was given.

        Raises:
            Refusal: `cannot-start`, when the port cannot be used.
        """
        await self._pool.start(self._app)
        acceptor = Acceptor(self._limits, partial(FastPathConnection, self._pool), tls)
        try:
            port = await acceptor.listen(host, port, share_port=share_port)
        except OSError as error:
            acceptor.close()
            raise CannotStart(
                vi=f"Không mở được cổng {port} trên {host}: {error.strerror}; hãy chọn cổng khác bằng --port.",
                en=f"Cannot listen on port {port} of {host}: {error.strerror}; choose another with --port.",
            ) from error
        self._acceptor = acceptor
        return port

    async def close(self) -> None:
        """Accept no more connections, and finish the requests under way; behind load balancers once they know that this gateway stops."""
        if self._acceptor and self._limits.load_balancers:
            await asyncio.sleep(DRAIN_SECONDS)
        if self._acceptor:
            self._acceptor.close()
        await self._pool.stop()

    def _middleware(self) -> Middleware:
        @web.middleware
        async def complete_response(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Send the whole response within the middleware, and tell the connection when the request begins and ends."""
            delegate = request.transport
            if not isinstance(delegate, Delegate):
                raise ConnectionResetError("the caller has gone")
            delegate.begin(request)
            response = await self._answer(self._as_sent_by_client(request), handler)
            if self._pool.stopping or hdrs.UPGRADE in request.headers or request.method == hdrs.METH_CONNECT:
                # Where an upgrade is asked for and not made, aiohttp discards what arrived together with the request.
                response.force_close()
            await response.prepare(request)
            await response.write_eof()
            delegate.finish(keep_alive=bool(response.keep_alive))
            return response

        return complete_response

    def _as_sent_by_client(self, request: web.Request) -> web.Request:
        """Return the request with the address of the client where a load balancer passes it on."""
        if not self._limits.load_balancers:
            return request
        forwarded = request.headers.getall(HEADER, ())
        return request.clone(remote=client_address(request.remote or "", forwarded, self._limits.load_balancers))

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        try:
            if "#" in request.raw_path:  # a fragment is never sent (RFC 9112, 3.2); programs would read different paths
                raise _bad_target()
            if request.path.startswith(PREFIX):
                return await self._face.handle(request)
            if self._is_stale() and request.path not in HEALTH:
                raise bus_unavailable()
            response = await handler(request)
        except Exception as error:
            response = _problem_response(error, request)
        if not response.prepared:
            response.headers["Server-Timing"] = f"total;dur={(time.perf_counter() - began) * 1000:.2f}"
        return response


def _problem_response(error: Exception, request: web.Request) -> web.StreamResponse:
    """Return the response to an exception that a handler raised."""
    if isinstance(error, ConnectionError) and request.transport is None:
        raise error  # the caller has gone
    message = "" if isinstance(error, (Refusal, web.HTTPException)) else str(uuid_utils.uuid7())
    refusal = problems.refusal_of(error, message, request.path)
    if request.writer.output_size > 0:  # part of a response was sent already: the caller sees the connection end
        raise ConnectionResetError("the response was cut short") from error
    route = routes.declared_route(request)
    if route is not None and route.errors == "oauth":
        return problems.oauth_error_response(refusal, request, message)
    return problems.problem_response(refusal, request, message)


def _bad_target() -> Refusal:
    return Refusal(
        "malformed",
        vi="Đường dẫn của yêu cầu có ký tự #; hãy bỏ ký tự # và phần sau nó.",
        en="The target of the request contains a #; remove it and what follows.",
    )
