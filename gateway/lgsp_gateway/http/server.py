"""The HTTP door: one listening socket, calls on the short way, everything else through an aiohttp application.

`web.Application` resolves routes, middlewares and signals for each request, which costs a tenth of a call's throughput
(measured; docs/decisions/003). So the low-level `web.Server` looks at the path first. The application's own request
factory is reused so that both ways see the same type; aiohttp has no public name for it, and a test holds it in place.
"""

import time
from collections.abc import Callable
from functools import partial

import uuid_utils
from aiohttp import hdrs, web

from lgsp_gateway.faces.rest.calls import MAX_BODY, Calls, method_not_allowed, read_body
from lgsp_gateway.faces.rest.head import names_operation, read
from lgsp_gateway.http import problems, routes
from lgsp_gateway.http.connections import Acceptor, ConnectionLimits
from lgsp_gateway.http.fast_path.connection import PREFIX, Listener
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.tls import TlsFiles
from lgsp_runtime.unexpected_errors import fault

HEALTH = ("/livez", "/readyz", "/metrics")
SHUTDOWN_SECONDS = 10.0
LINGERING_SECONDS = 2.0
"""How long the rest of a refused body is read and thrown away, so that its sender gets to see the refusal."""

NEVER_SECONDS = 1e7
"""aiohttp takes a connection on the short way for idle; how long one may be so is `patience`'s to say."""


class Door:
    """Listens and answers.

    Args:
        app: has the routes of everything that is not a call.
        stale: whether what the gateway knows is too old to be served; its health is shown all the same.
        limits: of connections.
    """

    def __init__(self, calls: Calls, app: web.Application, stale: Callable[[], bool], limits: ConnectionLimits) -> None:
        self._limits = limits
        self._acceptor: Acceptor | None = None
        self._stale = stale
        self._calls = calls
        self._app = app
        self._runner: web.ServerRunner | None = None

    @staticmethod
    def application() -> web.Application:
        """An application for the doors to add their routes to."""
        return routes.application(MAX_BODY)

    async def open(self, host: str, port: int, tls: TlsFiles | None, *, share_port: bool) -> int:
        """Listen.

        Args:
            share_port: other processes may listen there too, and the kernel deals connections out among them.

        Returns:
            The port, which the system chose where 0 was given.

        Raises:
            Refusal: `cannot-start`, when the port cannot be had.
        """
        self._app.freeze()
        server = Listener(
            self._answer,
            self._calls.answer,
            self._limits,
            request_factory=self._app._make_request,
            lingering_time=LINGERING_SECONDS,
            keepalive_timeout=NEVER_SECONDS,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        self._acceptor = Acceptor(self._limits, server.connection, tls)
        try:
            return await self._acceptor.listen(host, port, share_port=share_port)
        except OSError as error:
            raise Refusal(
                "cannot-start",
                vi=f"Không mở được cổng {port} trên {host}: {error.strerror}; hãy chọn cổng khác bằng --port.",
                en=f"Cannot listen on port {port} of {host}: {error.strerror}; choose another with --port.",
            ) from error

    async def close(self) -> None:
        """Take no more connections and finish what is under way."""
        if self._acceptor:
            self._acceptor.close()
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        path = request.path
        if (
            "#" in request.raw_path
        ):  # a fragment is never sent (RFC 9112, section 3.2), and who reads on reads another path
            return problems.answer(_bad_target(), request)
        if request.method == hdrs.METH_OPTIONS and names_operation(path):
            return web.Response(status=204, headers={hdrs.ALLOW: "OPTIONS, POST"})
        if path.startswith(PREFIX):
            body, arrived = partial(read_body, request), request.content.is_eof
            head = read(request.method, path, request.headers, request.remote or "")
            return await self._calls.answer(head, body, arrived)
        began = time.perf_counter()
        if self._stale() and path not in HEALTH:
            response: web.StreamResponse = problems.answer(bus_unavailable(), request)
        else:
            response = await self._other(request)
        if not response.prepared:
            response.headers["Server-Timing"] = f"total;dur={(time.perf_counter() - began) * 1000:.2f}"
        return response

    async def _other(self, request: web.Request) -> web.StreamResponse:
        """Everything that is not a call."""
        try:
            return await self._app._handle(request)
        except Exception as error:
            if isinstance(error, ConnectionError) and request.transport is None:
                raise  # the caller has gone
            message = "" if isinstance(error, (Refusal, web.HTTPException)) else str(uuid_utils.uuid7())
            said = _refusal(error, request, message)
            if request.writer.output_size > 0:  # what has been sent cannot be taken back: the caller sees it break off
                raise ConnectionResetError("the answer broke off") from error
            return problems.answer(said, request, message)


def _refusal(error: Exception, request: web.Request, message: str) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, web.HTTPMethodNotAllowed):
        return method_not_allowed(", ".join(sorted(error.allowed_methods)))
    if isinstance(error, web.HTTPException):
        return _not_found(request) if error.status == 404 else _malformed(error)
    return fault(error, message)


def _bad_target() -> Refusal:
    return Refusal(
        "malformed",
        vi="Đường dẫn của yêu cầu có ký tự #; hãy gửi đường dẫn không có phần sau #.",
        en="The target of the request holds a #; send it without what follows that.",
    )


def _not_found(request: web.Request) -> Refusal:
    return Refusal(
        "not-found",
        vi=f"Không có đường dẫn {request.path[:80]}; dịch vụ nằm ở /services, danh mục ở /catalog/services.",
        en=f"There is no path {request.path[:80]}; services are under /services, the catalogue is /catalog/services.",
    )


def _malformed(error: web.HTTPException) -> Refusal:
    return Refusal(
        "too-large" if error.status == 413 else "malformed",
        vi="Không hiểu được yêu cầu HTTP này; hãy kiểm tra phương thức, tiêu đề và kích thước.",
        en="This HTTP request could not be understood; check its method, headers and size.",
    )
