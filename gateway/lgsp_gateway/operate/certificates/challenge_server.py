"""Answers on port 80: to the ACME authority with the validation it looks for, to everybody else with the address of the HTTPS door.

Anybody reaches it, and a connection costs a descriptor of the gateway: it has limits as the HTTPS door has, and much lower ones.
"""

import re
from contextlib import AsyncExitStack

from aiohttp import web

from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.no_calls import NoCalls
from lgsp_gateway.http.server import HttpServer
from lgsp_gateway.operate.certificates.certificate_store import CertificateStore
from lgsp_problems import NotFound

_PATH = "/.well-known/acme-challenge/{token}"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")

LIMITS = ConnectionLimits(idle_seconds=5, total=512, each=16)
"""An authority validates from a handful of places with one request each, and a browser is sent away at once."""


async def open_challenge_server(
    stack: AsyncExitStack, store: CertificateStore, host: str, port: int, public_url: str
) -> None:
    """Serve until the stack is closed.

    Raises:
        Refusal: `cannot-start`, when it cannot listen there.
    """

    async def validate(request: web.Request) -> web.Response:
        token = request.match_info["token"]
        validation = await store.validation(token) if _TOKEN.fullmatch(token) else None
        if validation is None:
            raise NotFound(
                vi="Không có thử thách ACME này; hãy yêu cầu nhà cung cấp chứng chỉ kiểm tra lại.",
                en="There is no such challenge of ACME; have the certificate authority validate again.",
            )
        return web.Response(text=validation)

    app = HttpServer.application()
    app.router.add_get(_PATH, validate)
    elsewhere = _Elsewhere(public_url)
    app.router.add_get("/{path:.*}", elsewhere.handle)
    server = HttpServer(elsewhere, app, lambda: False, LIMITS, fast_path=False)
    stack.push_async_callback(server.close)
    await server.open(host, port, None, share_port=True)


class _Elsewhere(NoCalls):
    """Sends everybody to the HTTPS door, calls included: what they carry must not be sent in the clear again."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Name the door; see `Face`."""
        return web.Response(status=308, headers={"Location": self._public_url})
