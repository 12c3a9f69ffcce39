"""Serves one adapter on the bus: takes requests from NATS, bounded in number, and replies in wire protocol 1.

Copies of an adapter share the load through one queue group. The NATS services protocol (`$SRV.PING/INFO/STATS`)
announces each copy. A request whose deadline has passed is not worked on. Whatever an adapter raises becomes a reply:
the gateway, not the adapter, words the answer to the caller.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import nats.micro
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.micro.request import Request

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed, UpstreamLate
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import wire
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

Method = Callable[[Document, Call], Awaitable[Document]]

DRAIN_SECONDS = 10.0
"""How long a stopping adapter waits for the calls it has begun."""


class Served:
    """One adapter while it is on the bus."""

    def __init__(self, adapter: Adapter, manifest: Manifest, contract: Contract, connection: Client) -> None:
        self._adapter = adapter
        self._manifest = manifest
        self._contract = contract
        self._connection = connection
        self._places = asyncio.Semaphore(manifest.concurrency)
        self._working: set[asyncio.Task[None]] = set()
        self._service: Any = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def start(self) -> None:
        """Subscribe and announce.

        Raises:
            Refusal: `invalid-document`, when the adapter has no method for an operation of its contract.
        """
        methods = {name: self._method(name) for name in self._contract.operations}
        self._service = await nats.micro.add_service(
            self._connection,
            name=self._contract.service,
            version=self._contract.version,
            description=self._contract.title.en,
            metadata={"system": self._manifest.system, "wire": str(wire.VERSION)},
        )
        for name, method in methods.items():
            await self._service.add_endpoint(
                name=name,
                subject=wire.subject(self._contract.service, self._contract.major, name),
                queue_group=self._contract.service,
                handler=self._handler(name, method),
            )
        await self._connection.flush()

    async def stop(self) -> None:
        """Take no more calls, finish those begun, let go."""
        # nats-py's own stop unsubscribes, which throws away requests that have arrived and wait their turn.
        endpoints, self._service._endpoints = self._service._endpoints, []
        await asyncio.gather(*(endpoint._subscription.drain() for endpoint in endpoints))
        await self._service.stop()
        if self._working:
            await asyncio.wait(self._working, timeout=DRAIN_SECONDS)
        await self._connection.flush()

    def _method(self, operation: str) -> Method:
        method = self._adapter.method(operation)
        if method is None:
            name = operation.replace("-", "_")
            raise Refusal(
                "invalid-document",
                vi=f"{self._manifest.where}: bộ kết nối không có phương thức {name} cho thao tác {operation}.",
                en=f"{self._manifest.where}: the adapter has no method {name} for the operation {operation}; write it.",
            )
        return method

    def _handler(self, operation: str, method: Method) -> Callable[[Request], Awaitable[None]]:
        # nats-py awaits a handler before it hands over the next message, so the work goes into a task of its own.
        async def take(request: Request) -> None:
            await self._places.acquire()
            task = asyncio.create_task(self._work(request, operation, method))
            self._working.add(task)
            task.add_done_callback(self._done)

        return take

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._places.release()

    async def _work(self, request: Request, operation: str, method: Method) -> None:
        try:
            context, document = wire.parse_request(request.data)
        except Refusal:
            await self._respond(request, wire.failed("broken"))
            return
        call = Call(context)
        reply = wire.late() if call.remaining <= 0 else await self._reply(operation, method, document, call)
        await self._respond(request, reply)

    async def _respond(self, request: Request, reply: bytes) -> None:
        if len(reply) > self._connection.max_payload:
            self._log.error("answer too large", size=len(reply), limit=self._connection.max_payload)
            reply = wire.failed("broken")
        try:
            await request.respond(reply)
        except NatsError as error:
            self._log.warning("answer not sent", error=type(error).__name__)

    async def _reply(self, operation: str, method: Method, document: Document, call: Call) -> bytes:
        log = self._log.bind(operation=operation, message=call.context.message)
        try:
            async with asyncio.timeout(call.remaining):
                return wire.answered(await method(document, call))
        except Declared as declared:
            return wire.declared_error(declared.code)
        except UpstreamFailed as failure:
            log.warning("upstream failed", why=failure.why, note=failure.private)
            return wire.failed(failure.why)
        except (UpstreamLate, TimeoutError):
            log.warning("upstream late")
            return wire.late()
        except Exception as error:
            # The text of an unforeseen error may quote the document, so only its type and place are logged.
            place = error.__traceback__
            while place and place.tb_next:
                place = place.tb_next
            log.error("adapter broke", error=type(error).__name__, line=place.tb_lineno if place else 0)
            return wire.failed("broken")
