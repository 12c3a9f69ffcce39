"""`/evidence/keys`, `/evidence/logs/…`, `/evidence/messages/{id}/proof`: what an auditor takes away to check elsewhere."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from aiohttp import web

from lgsp_contracts import names
from lgsp_contracts.names import GATEWAY_PATTERN, MAX_NAME, GatewayName
from lgsp_gateway.api.evidence_stream import AUDITOR, LAST_NUMBER
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.read.proof_maker import ProofMaker
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.http import decoded_bodies, streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import integer_parameter, message_id_parameter, text_parameter
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.responses import json_response
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import Refusal
from lgsp_runtime.background import Stopped, run_until
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

_LINES = "application/jsonl"

GATEWAY = text_parameter(
    "gateway",
    "the name of a gateway, which is that of its log",
    max_length=MAX_NAME,
    pattern=GATEWAY_PATTERN,
    location="path",
)
MESSAGE = message_id_parameter("message", "the id of a message", location="path")
FROM = integer_parameter("from", "the first entry", 0, LAST_NUMBER, 0)
TO = integer_parameter("to", "the entry up to which; by default the last under a checkpoint", 0, LAST_NUMBER, None)
WAIT = integer_parameter(
    "wait", "seconds to wait for the checkpoint that covers a message which passed just now", 0, 20, 0
)

OLD = replace(FROM, description="how many entries the older log has", default=0, required=True)

KEYS = Route(
    "GET",
    "/evidence/keys",
    "readEvidenceKeys",
    "Read the keys that checkpoints are signed with, as C2SP writes them, one a line",
    "public",
    {200: ResponseSpec("The keys", {"text/plain": TEXT})},
    tag="evidence",
)


def _route(path: str, name: str, summary: str, said: ResponseSpec, *parameters: Parameter[Any], **more: Any) -> Route:
    return Route(
        "GET",
        path,
        name,
        summary,
        "token",
        {200: said},
        roles=(AUDITOR,),
        parameters=parameters,
        tag="evidence",
        **more,
    )


LOGS = _route(
    "/evidence/logs",
    "listLogs",
    "List the logs, with their newest checkpoints",
    ResponseSpec("The logs", json_of("LogList")),
)
CHECKPOINTS = _route(
    "/evidence/logs/{gateway}/checkpoints",
    "readCheckpoints",
    "Read the checkpoints over a part of a log, and where that part begins",
    ResponseSpec("The checkpoints", json_of("Checkpoints")),
    *(GATEWAY, FROM, TO),
)
LOG_ENTRIES = _route(
    "/evidence/logs/{gateway}/entries",
    "readEntries",
    "Read a part of a log: one JSON object a line",
    ResponseSpec("The entries, sent as they are read; each line is an Entry", {_LINES: TEXT}),
    *(GATEWAY, FROM, TO),
    problems=("archive-unavailable",),
)
CONSISTENCY = _route(
    "/evidence/logs/{gateway}/consistency",
    "readConsistency",
    "Read the proof that a log of `to` entries begins with the one of `from` (RFC 6962)",
    ResponseSpec("The proof", json_of("Consistency")),
    *(GATEWAY, OLD, TO),
    problems=("not-found", "archive-unavailable"),
)
SEALS = _route(
    "/evidence/logs/{gateway}/seals",
    "listSeals",
    "List the newest cosignature of each witness of a log, and its newest timestamp",
    ResponseSpec("The cosignatures", json_of("SealList")),
    GATEWAY,
)
SEAL = Route(
    "POST",
    "/evidence/logs/{gateway}/seals",
    "keepSeal",
    "Keep a witness's cosignature",
    "token",
    {201: ResponseSpec("It is kept", json_of("SealKept"))},
    roles=(AUDITOR,),
    parameters=(GATEWAY,),
    body=json_of("Seal"),
    problems=("evidence-forged",),
    tag="evidence",
)
PROOF = _route(
    "/evidence/messages/{message}/proof",
    "proveMessage",
    "Prove that the entry of a message is in its log",
    ResponseSpec("The proof", json_of("Proof")),
    *(MESSAGE, WAIT),
    problems=("not-found", "archive-unavailable"),
)


KEYS_SECONDS = 1.0


class EvidenceLogRoutes:
    """The door for whoever checks the evidence.

    Args:
        seed: the key that signs checkpoints.
        domain: that of the instance, which the origins of its logs begin with.
        witnesses: those whose cosignatures are kept, by their names.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        logs: LogReader,
        proofs: ProofMaker,
        seed: bytes,
        domain: str,
        bus: NatsRequestReply,
        witnesses: Mapping[str, VerifierKey],
        stopping: asyncio.Event,
    ) -> None:
        self._callers = callers
        self._logs = logs
        self._proofs = proofs
        self._seed = seed
        self._domain = domain
        self._bus = bus
        self._witnesses = witnesses
        self._stopping = stopping
        self._keys_asked = asyncio.Lock()
        self._keys_text, self._keys_until = "", 0.0

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        add_route(app, KEYS, self._keys)
        add_route(app, LOGS, self._all)
        add_route(app, CHECKPOINTS, self._checkpoints)
        add_route(app, LOG_ENTRIES, self._entries)
        add_route(app, CONSISTENCY, self._consistency)
        add_route(app, SEALS, self._seals)
        add_route(app, SEAL, self._seal)
        add_route(app, PROOF, self._proof)

    async def _keys(self, request: web.Request) -> web.Response:
        """Who signs: nothing of it is secret, and whoever checks should have it from elsewhere too."""
        async with self._keys_asked:  # whoever asks needs no token, so NATS is asked once a second at most
            if time.monotonic() >= self._keys_until:
                found = [key for name in await self._logs.gateways() for key in await self._keys_of(name)]
                self._keys_text = "".join([f"{key}\n" for key in found])
                self._keys_until = time.monotonic() + KEYS_SECONDS
        return web.Response(text=self._keys_text)

    async def _keys_of(self, gateway: GatewayName) -> list[VerifierKey]:
        """The keys of a log: under the origin that it has now, and under each that it had before."""
        key, last = Signer(origin_of(gateway, self._domain), self._seed).key, await self._logs.last_checkpoint(gateway)
        signed = LogKeys.of_checkpoint(last.note, self._seed, gateway) if last else ()
        return [key, *(one for one in signed if one != key)]

    async def _all(self, request: web.Request) -> web.Response:
        items = []
        for name in await self._logs.gateways():
            kept = await self._logs.last_checkpoint(name)
            items.append({"gateway": name, "size": kept.size if kept else 0, "checkpoint": kept.note if kept else ""})
        return json_response({"items": items})

    async def _checkpoints(self, request: web.Request) -> web.Response:
        """The checkpoints over a part of a log, and where that part begins: at the last checkpoint before `from`."""
        gateway = _gateway(request)
        end = await self._end(request, gateway)
        start, notes = await self._logs.find_part(gateway, FROM.read_from(request), end)
        return json_response({"start": start.document(), "items": notes})

    async def _entries(self, request: web.Request) -> web.StreamResponse:
        """The entries from `from` up to `to`, at most those under the last checkpoint: one JSON object a line."""
        auditor = await self._callers.identify(request)
        gateway = _gateway(request)
        entries = self._logs.entries(gateway, FROM.read_from(request), await self._end(request, gateway))
        first = await anext(entries, None)
        async with aclosing(entries), streaming.open_stream(request, _LINES, auditor.name) as answer:
            if first is not None and not answer.head_only:
                await answer.write(first + b"\n")
                async for entry in entries:
                    await answer.write(entry + b"\n")
        return answer.response

    async def _seals(self, request: web.Request) -> web.Response:
        found = await self._logs.cosignatures(_gateway(request))
        return json_response({"items": [cosignature.document() for cosignature in found]})

    async def _seal(self, request: web.Request) -> web.Response:
        """Keep a witness's cosignature: the body says `checkpoint`, with the witness's line."""
        gateway = _gateway(request)
        said = (await decoded_bodies.read_json_object(request)).get("checkpoint")
        note = said if isinstance(said, str) else ""
        LogKeys.of_checkpoint(note, self._seed, gateway).verify(note)
        for name, witness in self._witnesses.items():
            if f"\n— {name} " in note:
                witness.cosigned_at(note)
                await cosignatures.store(self._bus, gateway, Cosignature(name, note))
                return json_response({"by": name}, status=201)
        raise Refusal(
            "not-granted",
            vi="Không có chữ ký của nhân chứng nào mà gateway biết; hãy thêm khóa của nhân chứng vào tệp của --witnesses.",
            en="No witness that this gateway knows has signed it; add the witness's key to the file named by --witnesses.",
        )

    async def _end(self, request: web.Request, gateway: GatewayName) -> int:
        kept = await self._logs.last_checkpoint(gateway)
        size = kept.size if kept else 0
        end = TO.read_from(request)
        return size if end is None else min(end, size)

    async def _consistency(self, request: web.Request) -> web.Response:
        gateway, old, new = _gateway(request), OLD.read_from(request), TO.read_from(request)
        if new is None:
            new = await self._end(request, gateway)
        return json_response({"path": await self._proofs.consistency_proof(gateway, old, new)})

    async def _proof(self, request: web.Request) -> web.Response:
        message, seconds = names.message_id(MESSAGE.read_from(request)), WAIT.read_from(request)
        try:
            return json_response(await run_until(self._stopping.wait(), self._proofs.inclusion_proof(message, seconds)))
        except Stopped as error:
            raise bus_unavailable() from error


def _gateway(request: web.Request) -> GatewayName:
    return names.gateway_name(GATEWAY.read_from(request))
