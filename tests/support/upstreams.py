"""A provider's system on a real socket, and an adapter before it that a manifest in the test describes."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.connectors.connector_lookup import build_adapter
from support.adapters import CONTRACT, manifest_of
from support.national import call

ASKED = {"soDinhDanh": "022093001234"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def opened(kind: str, url: str, folder: Path = Path(), **told: Any) -> AsyncIterator[Adapter]:
    """An adapter of this kind before the system at `url`; the rest is its manifest."""
    manifest = replace(manifest_of(kind, url, folder, **told), connection={"url": url, "password": "bí mật"})
    adapter = build_adapter(manifest, CONTRACT)
    await adapter.open()
    try:
        yield adapter
    finally:
        await adapter.close()


async def ask(adapter: Adapter, seconds: float = 5, **asked: Any) -> Any:
    """What the adapter answers."""
    method = adapter.method("read")
    assert method
    return await method({**ASKED, **asked}, call(seconds))


@asynccontextmanager
async def served(answer: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The address of a server that answers everything with `answer`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
    await runner.cleanup()
