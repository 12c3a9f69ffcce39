"""`/evidence/keys`, `/evidence/logs/…`, `/evidence/messages/{id}/proof`: what an auditor takes away to check elsewhere."""

from aiohttp import web

from lgsp_gateway.evidence.checkpoint import Signer, origin_of
from lgsp_gateway.evidence.reading import Logs
from lgsp_gateway.web.answers import document
from lgsp_gateway.web.callers import Callers
from lgsp_gateway.web.evidence import AUDITOR
from lgsp_problems import Refusal


class EvidenceLogs:
    """The door for whoever checks the evidence.

    Args:
        seed: the key that signs checkpoints.
    """

    def __init__(self, callers: Callers, logs: Logs, seed: bytes) -> None:
        self._callers = callers
        self._logs = logs
        self._seed = seed

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/evidence/keys", self._keys)
        app.router.add_get("/evidence/logs", self._all)
        app.router.add_get("/evidence/logs/{gateway}/checkpoints", self._checkpoints)
        app.router.add_get("/evidence/logs/{gateway}/entries", self._entries)
        app.router.add_get("/evidence/logs/{gateway}/consistency", self._consistency)
        app.router.add_get("/evidence/messages/{message}/proof", self._proof)

    async def _keys(self, request: web.Request) -> web.Response:
        """Who signs: nothing of it is secret, and whoever checks should have it from elsewhere too."""
        names = await self._logs.names()
        return web.Response(text="".join(f"{Signer(origin_of(name), self._seed).key}\n" for name in names))

    async def _all(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        items = []
        for name in await self._logs.names():
            kept = await self._logs.last(name)
            items.append({"gateway": name, "size": kept.size if kept else 0, "checkpoint": kept.note if kept else ""})
        return document({"items": items})

    async def _checkpoints(self, request: web.Request) -> web.Response:
        """The checkpoints over a part of a log, and where that part begins: at the last checkpoint before `from`."""
        await self._callers.with_role(request, AUDITOR)
        gateway = request.match_info["gateway"]
        end = await self._end(request, gateway)
        start, notes = await self._logs.part(gateway, _number(request, "from", 0), end)
        return document({"start": start.document(), "items": notes})

    async def _entries(self, request: web.Request) -> web.StreamResponse:
        """The entries from `from` up to `to`, at most those under the last checkpoint: one JSON object a line."""
        await self._callers.with_role(request, AUDITOR)
        gateway = request.match_info["gateway"]
        entries = self._logs.entries(gateway, _number(request, "from", 0), await self._end(request, gateway))
        first = await anext(entries, None)
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
        await response.prepare(request)
        if first is not None:
            await response.write(first + b"\n")
            async for entry in entries:
                await response.write(entry + b"\n")
        await response.write_eof()
        return response

    async def _end(self, request: web.Request, gateway: str) -> int:
        kept = await self._logs.last(gateway)
        size = kept.size if kept else 0
        return min(_number(request, "to", size), size)

    async def _consistency(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        old, new = _number(request, "from", 0), _number(request, "to", 0)
        return document({"path": await self._logs.consistency(request.match_info["gateway"], old, new)})

    async def _proof(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        return document(await self._logs.proof_of(request.match_info["message"]))


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
