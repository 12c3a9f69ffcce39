"""`/evidence/logs/{gateway}/seals`: what others sign of a log's checkpoints.

Witnesses cosign a checkpoint after they have verified that the log only grew, and send the cosignature here; an authority adds
timestamps. Both are kept with the log, so that a proof can contain them.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

from lgsp_gateway.api.evidence_logs import GATEWAY, STATE_ROLES, gateway_of_path
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.http import decoded_bodies
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import NatsRequestReply

COSIGNATURES = Route(
    "GET",
    "/evidence/logs/{gateway}/seals",
    "listSeals",
    "List the newest cosignature of each witness of a log, and its newest timestamp",
    "token",
    {200: ResponseSpec("The cosignatures", json_of("SealList"))},
    roles=STATE_ROLES,
    parameters=(GATEWAY,),
    tag="evidence",
)
ADD_COSIGNATURE = Route(
    "POST",
    "/evidence/logs/{gateway}/seals",
    "keepSeal",
    "Add the cosignature of a witness",
    "token",
    {201: ResponseSpec("The cosignature is stored", json_of("SealKept"))},
    roles=(AUDITOR,),
    parameters=(GATEWAY,),
    body=json_of("Seal"),
    problems=("evidence-forged",),
    tag="evidence",
)


class EvidenceCosignatureRoutes:
    """The routes of cosignatures.

    Args:
        publics: returns the public keys that sign checkpoints or have signed them.
        witnesses: whose cosignatures are accepted, by their names.
    """

    def __init__(
        self,
        logs: LogReader,
        publics: Callable[[], tuple[bytes, ...]],
        bus: NatsRequestReply,
        witnesses: Mapping[str, VerifierKey],
    ) -> None:
        self._logs = logs
        self._publics = publics
        self._bus = bus
        self._witnesses = witnesses

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, COSIGNATURES, self._list_cosignatures)
        add_route(app, ADD_COSIGNATURE, self._add_cosignature)

    async def _list_cosignatures(self, request: web.Request) -> web.Response:
        newest = await self._logs.cosignatures(gateway_of_path(request))
        return json_response({"items": [cosignature.document() for cosignature in newest]})

    async def _add_cosignature(self, request: web.Request) -> web.Response:
        gateway = gateway_of_path(request)
        sent = (await decoded_bodies.read_json_object(request)).get("checkpoint")
        note = sent if isinstance(sent, str) else ""
        LogKeys.of_checkpoint(note, self._publics(), gateway).verify(note)
        for name, witness in self._witnesses.items():
            if f"\n— {name} " in note:
                witness.cosigned_at(note)
                await cosignatures.store(self._bus, gateway, Cosignature(name, note))
                return json_response({"by": name}, status=201)
        raise Refusal(
            "not-granted",
            vi="Bản chốt không có chữ ký của nhân chứng nào mà gateway này biết; hãy thêm khóa của nhân chứng vào tệp của --witnesses.",
            en="The checkpoint is not signed by a witness that this gateway knows; add the witness's key to the file named by --witnesses.",
        )
