"""`/evidence/keys`, `/evidence/logs/…`, `/evidence/messages/{id}/proof`: what an auditor takes away to check elsewhere."""

from aiohttp import web
from nats.aio.client import Client

from lgsp_gateway.evidence import notary, reading, stream
from lgsp_gateway.evidence.checkpoint import Signer, origin_of
from lgsp_gateway.index.index import Index
from lgsp_gateway.web.answers import document
from lgsp_gateway.web.callers import Callers
from lgsp_gateway.web.evidence import AUDITOR
from lgsp_problems import Refusal


class EvidenceLogs:
    """The door for whoever checks the evidence.

    Args:
        seed: the key that signs checkpoints.
    """

    def __init__(self, callers: Callers, connection: Client, seed: bytes, index: Index | None) -> None:
        self._callers = callers
        self._connection = connection
        self._seed = seed
        self._proofs = reading.Proofs(connection, index)

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/evidence/keys", self._keys)
        app.router.add_get("/evidence/logs", self._logs)
        app.router.add_get("/evidence/logs/{gateway}/checkpoints", self._checkpoints)
        app.router.add_get("/evidence/logs/{gateway}/entries", self._entries)
        app.router.add_get("/evidence/logs/{gateway}/consistency", self._consistency)
        app.router.add_get("/evidence/messages/{message}/proof", self._proof)

    async def _keys(self, request: web.Request) -> web.Response:
        """Who signs: nothing of it is secret, and whoever checks should have it from elsewhere too."""
        names = await stream.gateways(self._connection)
        return web.Response(text="".join(f"{Signer(origin_of(name), self._seed).key}\n" for name in names))

    async def _logs(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        items = []
        for name in await stream.gateways(self._connection):
            kept = await notary.last_checkpoint(self._connection, name)
            items.append({"gateway": name, "size": kept.size if kept else 0, "checkpoint": kept.note if kept else ""})
        return document({"items": items})

    async def _checkpoints(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        return document({"items": await reading.notes(self._connection, request.match_info["gateway"])})

    async def _entries(self, request: web.Request) -> web.StreamResponse:
        """The entries under the last checkpoint, or the first `to`, as they were written: one JSON object a line."""
        await self._callers.with_role(request, AUDITOR)
        gateway = request.match_info["gateway"]
        kept = await notary.last_checkpoint(self._connection, gateway)
        size = min(_number(request, "to", kept.size if kept else 0), kept.size if kept else 0)
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
        await response.prepare(request)
        async for entry in reading.entries(self._connection, gateway, size):
            await response.write(entry + b"\n")
        await response.write_eof()
        return response

    async def _consistency(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        old, new = _number(request, "from", 0), _number(request, "to", 0)
        return document({"path": await self._proofs.consistency(request.match_info["gateway"], old, new)})

    async def _proof(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        return document(await self._proofs.of_message(request.match_info["message"]))


def _number(request: web.Request, name: str, default: int) -> int:
    try:
        found = int(request.query.get(name, default))
    except ValueError:
        found = -1
    if found < 0:
        raise Refusal(
            "malformed",
            vi=f"{name} phải là số nguyên không âm.",
            en=f"{name} must be an integer of zero or more; correct the request.",
        )
    return found
