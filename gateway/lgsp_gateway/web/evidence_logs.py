"""`/evidence/keys`, `/evidence/logs/…`, `/evidence/messages/{id}/proof`: what an auditor takes away to check elsewhere."""

from collections.abc import Mapping

from aiohttp import web

from lgsp_gateway.bus import Bus
from lgsp_gateway.evidence import seals
from lgsp_gateway.evidence.checkpoint import Signer, VerifierKey, origin_of
from lgsp_gateway.evidence.reading import Logs
from lgsp_gateway.evidence.seals import Seal
from lgsp_gateway.web.answers import document
from lgsp_gateway.web.callers import Callers
from lgsp_gateway.web.evidence import AUDITOR
from lgsp_gateway.web.managed_documents import read_document
from lgsp_problems import Refusal


class EvidenceLogs:
    """The door for whoever checks the evidence.

    Args:
        seed: the key that signs checkpoints.
        witnesses: those whose seals are kept, by their names.
    """

    def __init__(
        self, callers: Callers, logs: Logs, seed: bytes, bus: Bus, witnesses: Mapping[str, VerifierKey]
    ) -> None:
        self._callers = callers
        self._logs = logs
        self._seed = seed
        self._bus = bus
        self._witnesses = witnesses

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/evidence/keys", self._keys)
        app.router.add_get("/evidence/logs", self._all)
        app.router.add_get("/evidence/logs/{gateway}/checkpoints", self._checkpoints)
        app.router.add_get("/evidence/logs/{gateway}/entries", self._entries)
        app.router.add_get("/evidence/logs/{gateway}/consistency", self._consistency)
        app.router.add_get("/evidence/logs/{gateway}/seals", self._seals)
        app.router.add_post("/evidence/logs/{gateway}/seals", self._seal)
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

    async def _seals(self, request: web.Request) -> web.Response:
        await self._callers.with_role(request, AUDITOR)
        found = await self._logs.seals(request.match_info["gateway"])
        return document({"items": [seal.document() for seal in found]})

    async def _seal(self, request: web.Request) -> web.Response:
        """Keep a witness's seal: the body says `checkpoint`, with the witness's line."""
        await self._callers.with_role(request, AUDITOR)
        gateway = request.match_info["gateway"]
        said = await read_document(request)
        note = str(said.get("checkpoint", "")) if isinstance(said, dict) else ""
        Signer(origin_of(gateway), self._seed).key.opened(note)
        for name, witness in self._witnesses.items():
            if f"\n— {name} " in note:
                witness.cosigned_at(note)
                await seals.keep(self._bus, gateway, Seal(name, note))
                return document({"by": name}, status=201)
        raise Refusal(
            "not-granted",
            vi="Không có chữ ký của nhân chứng nào mà gateway biết; hãy thêm khóa của nhân chứng vào tệp của --witnesses.",
            en="No witness that this gateway knows has signed it; add the witness's key to the file named by --witnesses.",
        )

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
