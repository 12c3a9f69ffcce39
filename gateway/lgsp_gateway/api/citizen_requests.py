"""`/citizen-requests`: an agency reads and answers what citizens ask about its reads. Auditors read the requests to all agencies.

Nobody of another agency learns that there is a request. Who opened one and who answered it goes into the security log; the list holds
no text of a citizen, so that whoever has read one has opened it.
"""

from typing import Any, Final

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.access_requests import damaged_summary, read_text, summary
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.citizens.request_store import NUMBER_PATTERN, RequestStore
from lgsp_gateway.citizens.requests import MAX_ANSWER, CitizenRequest, DamagedRequest
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, NotFound, Refusal
from lgsp_runtime.security_events import SecurityLog

ADMIN: Final = "agency-admin"
AUDITOR: Final = "auditor"
MAX_LISTED: Final = 500

NUMBER = text_parameter("number", "of the request", max_length=19, pattern=NUMBER_PATTERN, location="path")
LIST = Route(
    "GET",
    "/citizen-requests",
    "listCitizenRequests",
    "List what citizens ask about reads of the caller's agency; for auditors, of all agencies",
    "token",
    {
        200: ResponseSpec(
            "Those that wait, the most urgent first; then the answered ones", json_of("CitizenRequestList")
        )
    },
    roles=(ADMIN, AUDITOR),
    tag="citizens",
)
READ = Route(
    "GET",
    "/citizen-requests/{number}",
    "readCitizenRequest",
    "Read a request of a citizen, with the read that it is about; that it was opened is written into the security log",
    "token",
    {200: ResponseSpec("The request", json_of("CitizenRequest"))},
    roles=(ADMIN, AUDITOR),
    parameters=(NUMBER,),
    problems=("not-found", "stored-content-damaged"),
    tag="citizens",
)
ANSWER = Route(
    "POST",
    "/citizen-requests/{number}/answer",
    "answerCitizenRequest",
    "Answer a request of a citizen, once",
    "token",
    {200: ResponseSpec("The request, with the answer", json_of("CitizenRequest"))},
    roles=(ADMIN,),
    parameters=(NUMBER,),
    body=json_of("NewAnswer"),
    problems=("not-found", "invalid-document", "step-not-allowed", "stored-content-damaged"),
    tag="citizens",
)
FIRST_REPLY = Route(
    "POST",
    "/citizen-requests/{number}/first-reply",
    "replyFirstToCitizenRequest",
    "Tell the citizen, once and before the answer, that the request was received and how it is dealt with",
    "token",
    {200: ResponseSpec("The request, with the reply", json_of("CitizenRequest"))},
    roles=(ADMIN,),
    parameters=(NUMBER,),
    body=json_of("NewAnswer"),
    problems=("not-found", "invalid-document", "step-not-allowed", "stored-content-damaged"),
    tag="citizens",
)


class CitizenRequestRoutes:
    """The routes for agencies and auditors."""

    def __init__(
        self, callers: CallerAuthenticator, store: RequestStore, registry: RegistrySnapshot, security: SecurityLog
    ) -> None:
        self._callers = callers
        self._store = store
        self._registry = registry
        self._security = security

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, READ, self._read)
        add_route(app, ANSWER, self._answer)
        add_route(app, FIRST_REPLY, self._reply_first)

    async def _list(self, request: web.Request) -> web.Response:
        caller, language = await self._callers.identify(request), accepted_language(request)
        found = await self._store.of_agency("" if caller.has_role(AUDITOR) else caller.agency)
        items = [summary(one, self._registry, language) for one in found.requests[:MAX_LISTED]]
        damaged = [damaged_summary(one, self._registry, language) for one in found.damaged[:MAX_LISTED]]
        more = max(len(found.requests), len(found.damaged)) > MAX_LISTED
        return json_responses.json_response({"items": items, "damaged": damaged, "more": more})

    async def _read(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        found = await self._find(request, caller, by_auditors=True)
        self._write(request, caller, found, "opened")
        return self._response(found, caller, accepted_language(request))

    async def _answer(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        found = await self._find(request, caller)
        text = read_text(await decoded_bodies.read_json_object(request), "text", MAX_ANSWER)
        answered = await self._store.answer(found, text, str(caller))
        self._write(request, caller, answered, "answered")
        return self._response(answered, caller, accepted_language(request))

    async def _reply_first(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        found = await self._find(request, caller)
        text = read_text(await decoded_bodies.read_json_object(request), "text", MAX_ANSWER)
        replied = await self._store.reply_first(found, text, str(caller))
        self._write(request, caller, replied, "first-replied")
        return self._response(replied, caller, accepted_language(request))

    async def _find(self, request: web.Request, caller: Principal, *, by_auditors: bool = False) -> CitizenRequest:
        """Return the request that a path names, for its agency.

        Args:
            by_auditors: for auditors too.

        Raises:
            Refusal: `not-found`; `stored-content-damaged`, to those who may read it.
        """
        found = await self._store.request(NUMBER.read_from(request))
        may_see_all = by_auditors and caller.has_role(AUDITOR)
        for damaged in found.damaged:
            if may_see_all or _is_of(caller, damaged):
                raise _unreadable(damaged)
        for one in found.requests:
            if may_see_all or _is_of(caller, one):
                return one
        raise _not_found()

    def _response(self, one: CitizenRequest, caller: Principal, language: Language) -> web.Response:
        document: dict[str, Any] = {
            **summary(one, self._registry, language),
            "text": one.text,
            "mayAnswer": one.answer is None and _is_of(caller, one),
        }
        for name, said in (("answer", one.answer), ("firstReply", one.first_reply)):
            if said:
                document[name] = {"text": said.text, "at": iso_time(said.at), "by": said.by}
        return json_responses.json_response(document)

    def _write(self, request: web.Request, caller: Principal, one: CitizenRequest, verb: str) -> None:
        self._security.event(
            f"citizen-request-{verb}",
            "success",
            "api",
            f"{caller} {verb} the request {one.number} of a citizen to {one.agency}",
            user__name=caller.name,
            source__ip=request.remote or "",
        )


def _is_of(caller: Principal, one: CitizenRequest | DamagedRequest) -> bool:
    """Tell whether a caller may answer a request: as administrator of the agency that read."""
    return caller.has_role(ADMIN) and caller.agency == one.agency


def _not_found() -> NotFound:
    return NotFound(
        vi="Không có yêu cầu này, hoặc bạn không được đọc.",
        en="There is no such request, or you may not read it.",
    )


def _unreadable(one: DamagedRequest) -> Refusal:
    return Refusal(
        "stored-content-damaged",
        vi=f"Không đọc được yêu cầu {one.number}; hãy báo người vận hành trục kèm số này. Hạn trả lời {one.due:%d/%m/%Y} vẫn tính.",
        en=f"The request {one.number} cannot be read; tell the operators of the bus, with this number. It is still due on {one.due.isoformat()}.",
    )
