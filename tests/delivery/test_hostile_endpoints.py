"""Endpoints that misbehave: each failure has a name in the evidence, and the event comes under its id once the endpoint behaves."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web
from support.authority import Authority
from support.subscribing import Subscribing
from support.upstreams import served
from support.waits import eventually

ENDLESS = 4 * 1024 * 1024
"""Far more bytes than are read of an answer."""


class Endpoint:
    """Misbehaves at the first request, and takes the others."""

    def __init__(self, misbehave: Callable[[web.Request], web.StreamResponse | None]) -> None:
        self._misbehave = misbehave
        self.ids: list[str] = []
        self.taken: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        event = json.loads(await request.read())
        self.ids.append(request.headers["webhook-id"])
        first = self._misbehave(request) if len(self.ids) == 1 else None
        if first is None:
            self.taken.append(event["data"]["maHoSo"])
            return web.Response()
        if isinstance(first, _Endless):
            await first.write_to(request)
        return first


class _Endless(web.StreamResponse):
    async def write_to(self, request: web.Request) -> None:
        await self.prepare(request)
        try:
            for _ in range(ENDLESS // 65536):
                await self.write(bytes(65536))
        except ConnectionError:
            pass


def _drop(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def with_bad_certificate(endpoint: Endpoint, folder: Path) -> AsyncIterator[str]:
    """An endpoint whose authority nobody knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*Authority(folder).write("endpoint"))
    async with served(endpoint.answer, context) as url:
        yield url


async def test_what_an_endpoint_does_wrong_is_named_and_loses_no_event(events: Subscribing, tmp_path: Path) -> None:
    asked_elsewhere: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked_elsewhere.append(request.path)
        return web.Response()

    async with AsyncExitStack() as stack:
        private = await stack.enter_async_context(served(elsewhere))
        kinds = {
            "server-error": Endpoint(lambda _: web.Response(status=500)),
            "redirect": Endpoint(lambda _: web.Response(status=301, headers={"Location": f"{private}/latest"})),
            "connection-lost": Endpoint(_drop),
            "client-error": Endpoint(lambda _: web.Response(status=404)),
            "delivered": Endpoint(lambda _: _Endless()),
            "bad-certificate": Endpoint(lambda _: None),
        }
        made = {}
        for kind, endpoint in kinds.items():
            opened = with_bad_certificate(endpoint, tmp_path) if kind == "bad-certificate" else served(endpoint.answer)
            url = await stack.enter_async_context(opened)
            created = await events.bus.ask("POST", "/endpoints", {"name": f"sai-{kind}", "url": url})
            assert created.status == 201, created.body
            delivery = {"kind": "webhook", "endpoint": created.json["id"]}
            made[kind] = (await events.subscribe(name=f"sai-{kind}", delivery=delivery))["id"], created.json["id"]
        await events.publish(maHoSo="sai")

        async def outcomes(subscription: str) -> list[tuple[str, str]]:
            return [(one["outcome"], one["state"]) for one in await events.delivery_entries(subscription)]

        for kind, (subscription, _) in made.items():
            expected = [(kind, "delivered" if kind == "delivered" else "delivering")]

            async def is_named(subscription: str = subscription, expected: object = expected) -> bool:
                return (await outcomes(subscription))[:1] == expected

            await eventually(is_named)
        again = {kind: endpoint for kind, endpoint in kinds.items() if kind not in ("delivered", "bad-certificate")}
        await eventually(lambda: all(endpoint.taken == ["sai"] for endpoint in again.values()))
        assert all(len(set(endpoint.ids)) == 1 for endpoint in again.values())
        assert kinds["delivered"].ids, "what follows a success is not waited for"
        assert (kinds["bad-certificate"].ids, asked_elsewhere) == ([], [])
        for subscription, endpoint in made.values():
            await events.ask("DELETE", f"/{subscription}")
            await events.bus.ask("DELETE", f"/endpoints/{endpoint}")
