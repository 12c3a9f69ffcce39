"""Answers on port 80: to the ACME authority with the validation it looks for, to everybody else with the address of the HTTPS door."""

import re
from contextlib import AsyncExitStack

from aiohttp import web

from lgsp_gateway.operate.certificates.certificate_store import CertificateStore
from lgsp_problems import CannotStart

_PATH = "/.well-known/acme-challenge/{token}"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")


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
            raise web.HTTPNotFound
        return web.Response(text=validation)

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPPermanentRedirect(public_url)

    app = web.Application()
    app.router.add_get(_PATH, validate)
    app.router.add_get("/{path:.*}", redirect)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port, reuse_port=True).start()
    except OSError as error:
        raise CannotStart(
            vi=f"Không mở được cổng {host}:{port} cho ACME: {error.strerror}; hãy giải phóng cổng hoặc đổi --acme-port.",
            en=f"Cannot listen on {host}:{port} for ACME: {error.strerror}; free the port, or choose another --acme-port.",
        ) from error
