"""`/dead-letters`: what could not be delivered, why, and what somebody decides about it: to have it delivered again, or to give it up.

A letter is seen by the system that it belongs to, by the people of its agency who look after what the systems send and receive, and by
operators; whoever sees it may decide. Its payload is for that system alone, and who reads it is recorded.
"""

from collections.abc import Collection
from typing import Any

from aiohttp import web

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN, SystemName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.messages import LIMIT, describe_attempts, describe_reason, owner_of
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.titles import titles_of_messages
from lgsp_gateway.api.token_binding import refuse_old_sign_in, refuse_unbound, refuse_unbound_for_service
from lgsp_gateway.delivery.dead_letters.letter import DeadLetter, Decider
from lgsp_gateway.delivery.dead_letters.store import DeadLetters, LetterSelection, StoredLetter
from lgsp_gateway.delivery.decisions import RECEIVER_ROLES, receiver
from lgsp_gateway.delivery.stored_messages import decode_cursor
from lgsp_gateway.http import decoded_bodies
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import encoded_json_response, json_response, list_response
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import boolean_parameter, choice_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, NotFound, Refusal

MAX_REASON = 500
MAX_RETRIED = 500
"""Letters that one request has delivered again."""
KINDS = ("message", "event", "expired")
_TAG = "dead-letters"

LETTER = text_parameter(
    "letter", "the id of the dead letter", max_length=100, pattern="^[0-9A-Za-z._-]+$", location="path"
)
SYSTEM = text_parameter("system", "for people: only of this system", max_length=MAX_NAME, pattern=NAME_PATTERN)
SERVICE = text_parameter("service", "only of this service", max_length=MAX_NAME, pattern=NAME_PATTERN)
REASON = text_parameter("reason", "only with this reason, a problem code", max_length=100)
KIND = choice_parameter(
    "kind", "only messages, only events, or only events that expired before they were taken", KINDS, ""
)
RESOLVED = boolean_parameter(
    "resolved", "those that somebody dealt with in the last 30 days, in place of those that wait"
)
AFTER = text_parameter("after", "the `next` of the previous page", max_length=100)

_ONE = "/dead-letters/{letter}"
LIST = Route(
    *("GET", "/dead-letters", "listDeadLetters", "List the dead letters that the caller may decide about"),
    access="token",
    responses={200: ResponseSpec("A page of dead letters, the newest first", json_of("DeadLetterList"))},
    parameters=(SYSTEM, SERVICE, REASON, KIND, RESOLVED, LIMIT, AFTER),
    tag=_TAG,
)
READ = Route(
    *("GET", _ONE, "readDeadLetter", "Read a dead letter, without its payload"),
    access="token",
    responses={200: ResponseSpec("The dead letter", json_of("DeadLetter"))},
    parameters=(LETTER,),
    problems=("not-found",),
    tag=_TAG,
)
PAYLOAD = Route(
    *(
        "GET",
        f"{_ONE}/payload",
        "readDeadLetterPayload",
        "Read what could not be delivered, for its own system; recorded",
    ),
    access="token",
    responses={200: ResponseSpec("The request of a message, or the data of an event", json_of("Answer"))},
    parameters=(LETTER,),
    problems=("not-found", "not-granted", "step-not-allowed", "token-not-bound", "evidence-unavailable"),
    tag=_TAG,
)
RETRY = Route(
    *("POST", f"{_ONE}/retry", "retryDeadLetter", "Have a dead letter delivered again, within a new deadline"),
    access="token",
    responses={200: ResponseSpec("The dead letter, resolved", json_of("DeadLetter"))},
    parameters=(LETTER,),
    problems=("not-found", "step-not-allowed", "token-not-bound", "evidence-unavailable"),
    tag=_TAG,
)
GIVE_UP = Route(
    *("POST", f"{_ONE}/give-up", "giveUpDeadLetter", "Give a dead letter up; its payload is deleted"),
    access="token",
    responses={200: ResponseSpec("The dead letter, resolved", json_of("DeadLetter"))},
    parameters=(LETTER,),
    body=json_of("DeadLetterGivenUp"),
    problems=("not-found", "step-not-allowed", "token-not-bound", "sign-in-too-old", "evidence-unavailable"),
    tag=_TAG,
)
RETRY_MANY = Route(
    *("POST", "/dead-letters/retry", "retryDeadLetters", "Have the dead letters that a filter selects delivered again"),
    access="token",
    responses={200: ResponseSpec("What was retried; ask again while `more` is true", json_of("DeadLettersRetried"))},
    parameters=(SYSTEM, SERVICE, REASON, KIND),
    tag=_TAG,
)


class DeadLetterRoutes:
    """The routes of dead letters."""

    def __init__(self, callers: CallerAuthenticator, dead_letters: DeadLetters, registry: RegistrySnapshot) -> None:
        self._callers = callers
        self._registry = registry
        self._letters = dead_letters

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, RETRY_MANY, self._retry_many)
        add_route(app, READ, self._read)
        add_route(app, PAYLOAD, self._read_payload)
        add_route(app, RETRY, self._retry)
        add_route(app, GIVE_UP, self._give_up)

    async def _list(self, request: web.Request) -> web.Response:
        caller, language = await self._callers.identify(request), accepted_language(request)
        after = AFTER.read_from(request)
        before = decode_cursor(after, 1)[0] if after else 0
        selection = self._selection(request, caller, resolved=RESOLVED.read_from(request))
        page, following = await self._letters.list(selection, before, LIMIT.read_from(request))
        items = [describe(stored.letter, stored.size, language) for stored in page]
        titles = {"titles": await titles_of_messages(self._registry, items)}
        return await list_response(items, str(following) if following else "", titles)

    async def _read(self, request: web.Request) -> web.Response:
        _, stored, _ = await self._find(request)
        return json_response(describe(stored.letter, stored.size, accepted_language(request)))

    async def _read_payload(self, request: web.Request) -> web.Response:
        caller, stored, payload = await self._find(request)
        if not caller.is_system(stored.letter.owner):
            raise Refusal(
                "not-granted",
                vi="Chỉ hệ thống có thông điệp không giao được này mới đọc được nội dung thông điệp; hãy dùng mã truy cập của hệ thống đó.",
                en="Only the system that a dead letter belongs to reads its payload; use an access token of that system.",
            )
        refuse_unbound(request, self._registry.grants_held(caller.system, stored.letter.service, stored.letter.major))
        return encoded_json_response(await self._letters.read_payload(stored, payload, str(caller)))

    async def _retry(self, request: web.Request) -> web.Response:
        caller, stored, payload = await self._find(request)
        self._refuse_unbound(request, stored)
        letter = await self._letters.retry(stored, payload, self._decider(caller, stored))
        return json_response(describe(letter, 0, accepted_language(request)))

    async def _give_up(self, request: web.Request) -> web.Response:
        caller, stored, payload = await self._find(request)
        refuse_old_sign_in(request)
        self._refuse_unbound(request, stored)
        note = _reason_in(await decoded_bodies.read_json_object(request))
        letter = await self._letters.give_up(stored, payload, str(caller), note)
        return json_response(describe(letter, 0, accepted_language(request)))

    async def _retry_many(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        selection = self._selection(request, caller, resolved=False)
        retried, refused, before = 0, list[dict[str, str]](), 0
        while retried + len(refused) < MAX_RETRIED:
            page, before = await self._letters.list(selection, before, 50)
            for one in page:
                refusal = await self._retry_one(request, one, self._decider(caller, one))
                retried += refusal is None
                if refusal is not None:
                    text = refusal.detail.in_language(accepted_language(request))
                    refused.append({"id": one.letter.id, "code": refusal.code, "text": text})
            if not before:
                break
        return json_response({"retried": retried, "refused": refused, "more": bool(before)})

    async def _retry_one(self, request: web.Request, stored: StoredLetter, by: Decider) -> Refusal | None:
        try:
            self._refuse_unbound(request, stored)
            current, payload = await self._letters.find(stored.letter.id, [stored.letter.owner])
            await self._letters.retry(current, payload, by)
        except Refusal as refusal:
            return refusal
        return None

    def _refuse_unbound(self, request: web.Request, stored: StoredLetter) -> None:
        letter = stored.letter
        refuse_unbound_for_service(request, letter.owner, letter.service, letter.major, self._registry)

    async def _find(self, request: web.Request) -> tuple[Principal, StoredLetter, bytes]:
        caller = await self._callers.identify(request)
        owners = owners_of(caller, "", self._registry)
        stored, payload = await self._letters.find(LETTER.read_from(request), owners)
        return caller, stored, payload

    def _decider(self, caller: Principal, stored: StoredLetter) -> Decider:
        owner = SystemName(stored.letter.owner)
        return Decider(str(caller), receiver(self._registry, owner).includes(caller))

    def _selection(self, request: web.Request, caller: Principal, *, resolved: bool) -> LetterSelection:
        return LetterSelection(
            owners_of(caller, SYSTEM.read_from(request), self._registry),
            KIND.read_from(request),
            SERVICE.read_from(request),
            REASON.read_from(request),
            resolved,
        )


def owners_of(caller: Principal, wanted: str, registry: RegistrySnapshot) -> Collection[str] | None:
    """Return the systems about whose dead letters a caller may decide; None for all.

    Args:
        wanted: the system that it asks for; "" for all that it may.

    Raises:
        Refusal: `not-granted`, for a person without a fitting role; `not-found`, for a system that it may not see.
    """
    if caller.has_role(OPERATOR):
        return [wanted] if wanted else None
    if caller.own_system or not caller.has_role(*RECEIVER_ROLES):
        return [owner_of(caller, wanted)]
    own = frozenset(registry.index["System"].names("agency", caller.agency))
    if wanted and wanted not in own:
        raise NotFound(
            vi="Cơ quan của bạn không có hệ thống này; hãy chọn một hệ thống của cơ quan mình.",
            en="Your agency has no such system; choose one of its own.",
        )
    return [wanted] if wanted else own


def describe(letter: DeadLetter, size: int, language: Language, *, may_decide: bool = True) -> dict[str, Any]:
    """Return a dead letter as people and programs see it, without its payload.

    Args:
        size: bytes of the payload.
        may_decide: whether the reader may have it delivered again, or give it up.
    """
    document: dict[str, Any] = {
        "id": letter.id,
        "kind": letter.kind,
        "message": letter.message,
        "system": letter.owner,
        "service": letter.service,
        "major": letter.major,
        "name": letter.name,
        "reason": describe_reason(letter.reason, language),
        "diedAt": iso_time(letter.died / 1000),
        "round": letter.round,
        "size": size,
        "attempts": describe_attempts(letter.attempts),
        "mayDecide": may_decide,
    }
    if letter.subscription:
        document["subscription"] = letter.subscription
    if "events" in letter.envelope:
        document["span"] = {name: letter.envelope[name] for name in ("from", "fromAt", "to", "toAt", "events")}
    if letter.resolution:
        document |= {
            "resolution": letter.resolution,
            "resolvedAt": iso_time(letter.resolved / 1000),
            "resolvedBy": letter.resolved_by,
        }
    if letter.note:
        document["note"] = letter.note
    return document


def _reason_in(body: dict[str, Any]) -> str:
    reason = body.get("reason")
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= MAX_REASON or set(body) - {"reason"}:
        raise Refusal(
            "malformed",
            vi=f"Nội dung phải có reason: lý do ngừng giao, tối đa {MAX_REASON} ký tự; hãy sửa lại.",
            en=f"The body must have reason: why it is given up, at most {MAX_REASON} characters; correct it.",
        )
    return reason.strip()
