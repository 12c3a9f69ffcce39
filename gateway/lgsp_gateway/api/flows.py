"""`/ops/flows`: who calls whom, how often, with what success and how fast; as a document, and live.

Operators and auditors see all flows, administrators of an agency those in which one of its systems takes part.
"""

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.schemas import TEXT, json_of
from lgsp_gateway.evidence.search.models import TRAFFIC_KINDS, WINDOWS
from lgsp_gateway.http import streaming
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import boolean_parameter, choice_parameter, integer_parameter, text_parameter
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.http.streaming import StreamedResponse
from lgsp_gateway.observability.flows.question import AUTOMATIC, GROUPS, OPERATION, Question
from lgsp_problems import Refusal

if TYPE_CHECKING:
    from lgsp_gateway.observability.flows.reader import FlowReader

INTERVAL_SECONDS = 2.0
"""Between two events of a stream."""
MAX_TOP = 1000
AGENCY_ADMIN = "agency-admin"
_AGENCY_CODE = "^[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}$"

WINDOW = choice_parameter("window", "the period to count", tuple(WINDOWS), "1m")
_GROUP_MEANING = "what a flow is: an operation, a service between two systems, two agencies, or of the last two what can be read at a glance"
GROUP = choice_parameter("group", _GROUP_MEANING, GROUPS, OPERATION)
STREAM_GROUP = choice_parameter("group", _GROUP_MEANING, GROUPS, AUTOMATIC)
SEARCH = text_parameter("search", "words in names and titles of systems, agencies and services", max_length=200)
AGENCY = text_parameter(
    "agency", "only flows of this agency's systems, on either side", max_length=MAX_NAME, pattern=_AGENCY_CODE
)
CONSUMER, PROVIDER, SERVICE = (
    text_parameter(name, f"only flows of this {name}", max_length=MAX_NAME, pattern=NAME_PATTERN)
    for name in ("consumer", "provider", "service")
)
KIND = choice_parameter("kind", "only calls, published events, or attempts at deliveries", TRAFFIC_KINDS, "")
UNWELL = boolean_parameter("unwell", "only flows that are slow, refused or failing")
TOP = integer_parameter("top", "the largest number of flows, unwell ones first", 1, MAX_TOP, None)
STREAM_TOP = integer_parameter("top", "the largest number of flows, unwell ones first", 1, MAX_TOP, 80)

_FILTERS: tuple[Parameter[Any], ...] = (SEARCH, AGENCY, CONSUMER, PROVIDER, SERVICE, KIND, UNWELL)


def _route(path: str, name: str, summary: str, response: ResponseSpec, *parameters: Parameter[Any]) -> Route:
    return Route(
        *("GET", path, name, summary, "token", {200: response}),
        roles=(OPERATOR, AUDITOR, AGENCY_ADMIN),
        parameters=(WINDOW, *parameters, *_FILTERS),
        problems=("index-unavailable",),
        tag="operations",
    )


FLOWS = _route(
    "/ops/flows",
    "readFlows",
    "Read who calls what, how often, how successfully and how fast; as server-sent events, every two seconds",
    ResponseSpec("The flows; each event's `data` is a Flows", {**json_of("Flows"), streaming.EVENT_STREAM: TEXT}),
    *(GROUP, TOP),
)
STREAM = _route(
    "/ops/flows/stream",
    "followFlows",
    "Follow the flows as server-sent events: first the whole picture, then what changes every two seconds",
    ResponseSpec(
        "First an event `picture`, whose `data` is a Flows; then events `changes`, whose `data` is a FlowChanges",
        {streaming.EVENT_STREAM: TEXT},
    ),
    *(STREAM_GROUP, STREAM_TOP),
)


class FlowRoutes:
    """The routes of the flows.

    Args:
        flows: None where this gateway has no search index.
        stopping: set when the gateway stops; it ends the streams.
    """

    def __init__(self, callers: CallerAuthenticator, flows: "FlowReader | None", stopping: asyncio.Event) -> None:
        self._callers = callers
        self._flows = flows
        self._stopping = stopping

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, FLOWS, self._read_flows)
        add_route(app, STREAM, self._follow_flows)

    async def _read_flows(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        question = _question_of(request, caller, GROUP.read_from(request), TOP.read_from(request))
        flows = self._reader()
        picture = await flows.picture(question)
        if streaming.EVENT_STREAM not in request.headers.get("Accept", ""):
            return json_response(picture.document())
        async with streaming.open_stream(request, streaming.EVENT_STREAM, caller.name, live_page=True) as stream:
            await _send_event(stream, picture.document())
            with contextlib.suppress(Refusal):  # the client comes back, and is told why
                while not (stream.head_only or await self._stops_within(INTERVAL_SECONDS)):
                    await _send_event(stream, (await flows.picture(question)).document())
        return stream.response

    async def _follow_flows(self, request: web.Request) -> web.StreamResponse:
        caller = await self._callers.identify(request)
        question = _question_of(request, caller, STREAM_GROUP.read_from(request), STREAM_TOP.read_from(request))
        flows = self._reader()
        picture = await flows.picture(question)
        question = replace(question, group=picture.head["group"])  # chosen once: a picture must not jump
        async with streaming.open_stream(request, streaming.EVENT_STREAM, caller.name, live_page=True) as stream:
            await _send_event(stream, picture.document(), b"picture")
            with contextlib.suppress(Refusal):  # the client comes back, and is told why
                while not (stream.head_only or await self._stops_within(INTERVAL_SECONDS)):
                    before, picture = picture, await flows.picture(question)
                    await _send_event(stream, picture.changes_since(before), b"changes")
        return stream.response

    def _reader(self) -> "FlowReader":
        if self._flows is None:
            raise index_unavailable()
        return self._flows

    async def _stops_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()


async def _send_event(stream: StreamedResponse, content: dict[str, Any], name: bytes = b"") -> None:
    if not stream.head_only:
        event = b"event: %b\n" % name if name else b""
        await stream.write(b"%bdata: %b\n\n" % (event, orjson.dumps(content)))


def _question_of(request: web.Request, caller: Principal, group: str, top: int | None) -> Question:
    return Question(
        window=WINDOW.read_from(request),
        group=group,
        words=SEARCH.read_from(request),
        agency=AGENCY.read_from(request),
        consumer=CONSUMER.read_from(request),
        provider=PROVIDER.read_from(request),
        service=SERVICE.read_from(request),
        kind=KIND.read_from(request),
        visible_agency=None if caller.has_role(OPERATOR, AUDITOR) else caller.agency,
        unwell=UNWELL.read_from(request),
        top=top,
    )
