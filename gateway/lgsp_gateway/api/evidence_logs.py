"""`/evidence/logs/…`, `/evidence/messages/{id}/proof`: what an auditor downloads and verifies without the bus."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from lgsp_auth.principal import OPERATOR
from lgsp_contracts import names
from lgsp_contracts.names import GATEWAY_PATTERN, MAX_NAME, GatewayName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.evidence_stream import AUDITOR, MAX_NUMBER
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.read.proof_maker import ProofMaker
from lgsp_gateway.evidence.verify.checkpoint import unverified_size
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import integer_parameter, message_id_parameter, text_parameter
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import Refusal
from lgsp_runtime.async_tasks import Stopped, run_until
from lgsp_runtime.nats.request_reply import bus_unavailable

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.freshness import IndexLag

_JSON_LINES = "application/jsonl"

GATEWAY = text_parameter(
    "gateway",
    "the name of a gateway, which is also the name of its log",
    max_length=MAX_NAME,
    pattern=GATEWAY_PATTERN,
    location="path",
)
MESSAGE = message_id_parameter("message", "the id of a message", location="path")
FROM = integer_parameter("from", "the number of the first entry", 0, MAX_NUMBER, 0)
TO = integer_parameter(
    "to",
    "the number of the entry before which to end; by default all that are under a checkpoint",
    0,
    MAX_NUMBER,
    None,
)
WAIT = integer_parameter("wait", "seconds to wait for the checkpoint that covers a recent message", 0, 20, 0)

STATE_ROLES = (OPERATOR, AUDITOR)
"""Roles that see how far logs have come and who vouches for them. Entries and proofs name persons by their pseudonyms: they are for auditors."""

OLD_SIZE = replace(FROM, description="the number of entries of the older log", default=0, required=True)


def _route(
    path: str,
    name: str,
    summary: str,
    response: ResponseSpec,
    *parameters: Parameter[Any],
    roles: tuple[str, ...] = (AUDITOR,),
    **more: Any,
) -> Route:
    return Route(
        "GET",
        path,
        name,
        summary,
        "token",
        {200: response},
        roles=roles,
        parameters=parameters,
        tag="evidence",
        **more,
    )


LOGS = _route(
    "/evidence/logs",
    "listLogs",
    "List the logs with their newest checkpoints, who cosigned them, and how fresh the search index is",
    ResponseSpec("The logs", json_of("LogList")),
    roles=STATE_ROLES,
)
CHECKPOINTS = _route(
    "/evidence/logs/{gateway}/checkpoints",
    "readCheckpoints",
    "Read the checkpoints of a part of a log, and the size at which the part begins",
    ResponseSpec("The checkpoints", json_of("Checkpoints")),
    *(GATEWAY, FROM, TO),
    roles=STATE_ROLES,
)
LOG_ENTRIES = _route(
    "/evidence/logs/{gateway}/entries",
    "readEntries",
    "Read a part of a log, one JSON object a line",
    ResponseSpec("The entries, streamed; each line is an Entry", {_JSON_LINES: TEXT}),
    *(GATEWAY, FROM, TO),
    problems=("archive-unavailable",),
)
CONSISTENCY = _route(
    "/evidence/logs/{gateway}/consistency",
    "readConsistency",
    "Read the consistency proof between a log of `from` entries and the same log of `to` entries (RFC 6962)",
    ResponseSpec("The proof", json_of("Consistency")),
    *(GATEWAY, OLD_SIZE, TO),
    roles=STATE_ROLES,
    problems=("not-found", "archive-unavailable"),
)
PROOF = _route(
    "/evidence/messages/{message}/proof",
    "proveMessage",
    "Prove that the entry of a message is in its log",
    ResponseSpec("The proof", json_of("Proof")),
    *(MESSAGE, WAIT),
    problems=("not-found", "archive-unavailable"),
)


class EvidenceLogRoutes:
    """The routes of logs and proofs.

    Args:
        freshness: measures how far the search index lags; None where this gateway has none.
        witnesses: the names of those whose cosignatures are accepted.
        stopping: set when the gateway stops; it ends the wait for a checkpoint.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        logs: LogReader,
        proofs: ProofMaker,
        freshness: "Callable[[], Awaitable[IndexLag | None]] | None",
        witnesses: Iterable[str],
        stopping: asyncio.Event,
    ) -> None:
        self._freshness = freshness
        self._witnesses = sorted(witnesses)
        self._callers = callers
        self._logs = logs
        self._proofs = proofs
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LOGS, self._list_logs)
        add_route(app, CHECKPOINTS, self._read_checkpoints)
        add_route(app, LOG_ENTRIES, self._read_entries)
        add_route(app, CONSISTENCY, self._prove_consistency)
        add_route(app, PROOF, self._prove_message)

    async def _list_logs(self, _: web.Request) -> web.Response:
        items = [await self._log_document(name) for name in await self._logs.gateways()]
        return json_response({"items": items, "witnesses": self._witnesses, "index": await self._index_document()})

    async def _log_document(self, name: GatewayName) -> dict[str, Any]:
        state = await self._logs.state(name)
        seals = [{"by": one.by, "size": unverified_size(one.note)} for one in await self._logs.cosignatures(name)]
        document: dict[str, Any] = {"gateway": name, "size": 0, "checkpoint": "", "archived": state.archived}
        if state.last:
            record = state.last.record
            document |= {"size": record.size, "checkpoint": record.note, "time": iso_time(state.last.time)}
        return {**document, "seals": seals}

    async def _index_document(self) -> dict[str, Any]:
        if self._freshness is None:
            return {"state": "none"}
        try:
            lag = await self._freshness()
        except Refusal:
            return {"state": "unavailable"}
        if lag is None or not lag.is_stale:
            return {"state": "current"}
        return {"state": "stale", "batches": lag.batches, "since": lag.since_text}

    async def _read_checkpoints(self, request: web.Request) -> web.Response:
        """Return the checkpoints of a part of a log; the part begins at the last checkpoint before `from`."""
        gateway = gateway_of_path(request)
        end = await self._end(request, gateway)
        start, notes = await self._logs.find_part(gateway, FROM.read_from(request), end)
        return json_response({"start": start.document(), "items": notes})

    async def _read_entries(self, request: web.Request) -> web.StreamResponse:
        """Stream the entries from `from` to before `to`, at most those under the last checkpoint."""
        auditor = await self._callers.identify(request)
        gateway = gateway_of_path(request)
        entries = self._logs.entries(gateway, FROM.read_from(request), await self._end(request, gateway))
        first = await anext(entries, None)
        async with aclosing(entries), streaming.open_stream(request, _JSON_LINES, auditor.name) as answer:
            if first is not None and not answer.head_only:
                await answer.write(first + b"\n")
                async for entry in entries:
                    await answer.write(entry + b"\n")
        return answer.response

    async def _end(self, request: web.Request, gateway: GatewayName) -> int:
        """Return `to`, or the size of the log under its last checkpoint where that is less or `to` is not sent."""
        last = await self._logs.last_checkpoint(gateway)
        size = last.size if last else 0
        end = TO.read_from(request)
        return size if end is None else min(end, size)

    async def _prove_consistency(self, request: web.Request) -> web.Response:
        gateway, old_size, new_size = gateway_of_path(request), OLD_SIZE.read_from(request), TO.read_from(request)
        if new_size is None:
            new_size = await self._end(request, gateway)
        return json_response({"path": await self._proofs.consistency_proof(gateway, old_size, new_size)})

    async def _prove_message(self, request: web.Request) -> web.Response:
        message, seconds = names.message_id(MESSAGE.read_from(request)), WAIT.read_from(request)
        try:
            return json_response(await run_until(self._stopping.wait(), self._proofs.inclusion_proof(message, seconds)))
        except Stopped as error:
            raise bus_unavailable() from error


def gateway_of_path(request: web.Request) -> GatewayName:
    """Return the gateway that the path of a request names.

    Raises:
        Refusal: `malformed`.
    """
    return names.gateway_name(GATEWAY.read_from(request))
