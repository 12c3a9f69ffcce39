"""`/evidence/instance`: which process answers here, signed by the key of the logs, so that a copy of a bus notices its living original.

Everybody may ask, and each answer is a signature, for which a token takes 5 ms of the event loop. A gateway asks every ten seconds, so an
address gets two a second, and ten at once.
"""

from dataclasses import replace

from aiohttp import web

from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.evidence.append.copy_watch import NONCE, ROUTE, CopyWatch
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import Text

PER_SECOND, BURST = 2.0, 10.0
_TOO_MANY = Text(
    "Địa chỉ này hỏi danh tính của gateway quá nhiều lần; hãy thử lại sau vài giây.",
    "This address asks too often which gateway answers; try again in a few seconds.",
)
_NONCE = replace(
    text_parameter(NONCE, "32 hexadecimal digits, chosen at random by whoever asks", pattern="^[0-9a-f]{32}$"),
    required=True,
)
INSTANCE = Route(
    "GET",
    ROUTE,
    "readEvidenceInstance",
    "Read which process answers, and under which origin it signs checkpoints, as a signed note (C2SP signed-note)",
    "public",
    {200: ResponseSpec("The signed note", {"text/plain": TEXT})},
    parameters=(_NONCE,),
    tag="evidence",
)


class EvidenceInstanceRoutes:
    """The route of who answers.

    Args:
        watch: knows who this process is.
    """

    def __init__(self, watch: CopyWatch) -> None:
        self._watch = watch
        self._questions = AuthFailureLimiter(_TOO_MANY, PER_SECOND, BURST)

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, INSTANCE, self._read_instance)

    async def _read_instance(self, request: web.Request) -> web.Response:
        address = request.remote or ""
        if not self._questions.may_try(address):
            raise await self._questions.delayed_refusal()
        self._questions.record_failure(address)
        return web.Response(text=self._watch.note(_NONCE.read_from(request)))
