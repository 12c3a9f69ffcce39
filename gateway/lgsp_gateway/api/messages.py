"""`/messages`: what became of the calls that were accepted for later, and their answers.

A message is seen and cancelled by the system that sent it, and by operators, who see no answer; to others it does not exist.
"""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts.entry import SALT_HEADER
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN, SystemName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.titles import titles_of_messages
from lgsp_gateway.api.token_binding import refuse_unbound, refuse_unbound_for_service
from lgsp_gateway.delivery.dead_letters.letter import Decider
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.delivery_reports import DeliveryReports, LanePause
from lgsp_gateway.delivery.messages.message_store import MessageRecord, Selection
from lgsp_gateway.delivery.messages.operations import MessageOperations
from lgsp_gateway.delivery.messages.state import STATES, UNREADABLE, Attempt, Reason
from lgsp_gateway.delivery.stored_messages import decode_cursor
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import encoded_json_response, json_response, list_response
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import choice_parameter, integer_parameter, message_id_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, NotFound, Refusal

MAX_PAGE = 200
_TAG = "messages"

MESSAGE = message_id_parameter("message", "the id of the message", location="path")
SYSTEM = text_parameter(
    "system", "for operators: only messages of this system", max_length=MAX_NAME, pattern=NAME_PATTERN
)
SERVICE = text_parameter("service", "only messages to this service", max_length=MAX_NAME, pattern=NAME_PATTERN)
STATE = choice_parameter("state", "only messages in this state", STATES, "")
LIMIT = integer_parameter("limit", "the largest number of messages in the page", 1, MAX_PAGE, 50)
AFTER = text_parameter("after", "the `next` of the previous page", max_length=100)

LIST = Route(
    *("GET", "/messages", "listMessages", "List the messages of the calling system; for operators, of all"),
    access="token",
    responses={200: ResponseSpec("A page of messages, those that changed last first", json_of("MessageList"))},
    parameters=(SYSTEM, SERVICE, STATE, LIMIT, AFTER),
    tag=_TAG,
)
READ = Route(
    *("GET", "/messages/{message}", "readMessage", "Read what became of a message"),
    access="token",
    responses={200: ResponseSpec("The message", json_of("Message"))},
    parameters=(MESSAGE,),
    problems=("not-found",),
    tag=_TAG,
)
RESPONSE = Route(
    *(
        "GET",
        "/messages/{message}/response",
        "readMessageResponse",
        "Read the answer to a message, for its own system, as its grant shows it now",
    ),
    access="token",
    responses={
        200: ResponseSpec(
            "The answer of the operation, as its contract says; errors that the contract declares come as problems",
            json_of("Answer"),
            (SALT_HEADER,),
        )
    },
    parameters=(MESSAGE,),
    problems=(
        *("not-found", "answer-not-available", "outcome-unknown", "delivery-deadline-passed", "stored-content-damaged"),
        *(
            "not-granted",
            "purpose-not-granted",
            "grant-suspended",
            "unknown-service",
            "service-suspended",
            "token-not-bound",
        ),
    ),
    tag=_TAG,
)
CANCEL = Route(
    *("POST", "/messages/{message}/cancel", "cancelMessage", "Cancel a message that is not being delivered"),
    access="token",
    responses={200: ResponseSpec("The cancelled message", json_of("Message"))},
    parameters=(MESSAGE,),
    problems=("not-found", "step-not-allowed", "token-not-bound", "evidence-unavailable"),
    tag=_TAG,
)
RETRY = Route(
    *("POST", "/messages/{message}/retry", "retryMessage", "Deliver a message that became a dead letter again"),
    access="token",
    responses={202: ResponseSpec("The message, which is delivered again", json_of("Message"))},
    parameters=(MESSAGE,),
    problems=("not-found", "step-not-allowed", "token-not-bound", "evidence-unavailable"),
    tag=_TAG,
)


class MessageRoutes:
    """The routes of accepted messages."""

    def __init__(
        self,
        callers: CallerAuthenticator,
        operations: MessageOperations,
        dead_letters: DeadLetters,
        registry: RegistrySnapshot,
        reports: DeliveryReports,
    ) -> None:
        self._reports = reports
        self._callers = callers
        self._registry = registry
        self._operations = operations
        self._dead_letters = dead_letters

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, READ, self._read)
        add_route(app, RESPONSE, self._read_response)
        add_route(app, CANCEL, self._cancel)
        add_route(app, RETRY, self._retry)

    async def _list(self, request: web.Request) -> web.Response:
        caller, language = await self._callers.identify(request), accepted_language(request)
        selection = Selection(
            owner_of(caller, SYSTEM.read_from(request)), SERVICE.read_from(request), STATE.read_from(request)
        )
        after = AFTER.read_from(request)
        states, waiting = map(_signed, decode_cursor(after, 2)) if after else (0, 0)
        page, following = await self._operations.store.list(selection, (states, waiting), LIMIT.read_from(request))
        last = "" if max(following) < 0 else f"{_unsigned(following[0])} {_unsigned(following[1])}"
        pauses = self._reports.pauses()
        shown = [describe(record, language, caller, pauses.get(record.envelope.lane.name)) for record in page]
        return await list_response(shown, last, {"titles": await titles_of_messages(self._registry, shown)})

    async def _read(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        owner = owner_of(caller, "")
        record = await self._operations.look_up(MESSAGE.read_from(request), SystemName(owner) if owner else None)
        pause = self._reports.pause_of(record.envelope.lane.name)
        return json_response(describe(record, accepted_language(request), caller, pause))

    async def _read_response(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        record = await self._find(request, caller)
        if not caller.is_system(record.envelope.consumer):
            raise _of_its_own_system()
        answer = await self._operations.answer(record)
        refuse_unbound(request, [answer.grant])
        response = encoded_json_response(answer.document)
        response.headers[SALT_HEADER] = answer.salt
        response.headers["Lgsp-Message-Id"] = record.envelope.message
        return response

    async def _cancel(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        record = await self._find(request, caller)
        self._refuse_unbound(request, record)
        record = await self._operations.cancel(record, str(caller))
        return json_response(describe(record, accepted_language(request), caller))

    async def _retry(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        record = await self._find(request, caller)
        self._refuse_unbound(request, record)
        if record.state.state != "dead":
            raise _not_dead()
        letter, payload = await self._dead_letters.find(record.envelope.message, [record.envelope.consumer])
        await self._dead_letters.retry(
            letter, payload, Decider(str(caller), caller.is_system(record.envelope.consumer))
        )
        return json_response(
            describe(await self._find(request, caller), accepted_language(request), caller), status=202
        )

    def _refuse_unbound(self, request: web.Request, record: MessageRecord) -> None:
        envelope = record.envelope
        refuse_unbound_for_service(request, envelope.consumer, envelope.service, envelope.major, self._registry)

    async def _find(self, request: web.Request, caller: Principal) -> MessageRecord:
        owner = owner_of(caller, "")
        return await self._operations.find(MESSAGE.read_from(request), SystemName(owner) if owner else None)


def owner_of(caller: Principal, wanted: str) -> str:
    """Return whose messages a caller sees: its own; of an operator, those that it asks for.

    Args:
        wanted: the system that it asks for; "" for all that it sees.

    Raises:
        Refusal: `not-granted`, for a person who is no operator; `not-found`, for another system.
    """
    if caller.has_role(OPERATOR):
        return wanted
    if not caller.own_system:
        raise Refusal(
            "not-granted",
            vi="Chỉ hệ thống đã gửi và người vận hành trục xem được; hãy dùng mã truy cập của hệ thống.",
            en="Only the system that sent it and operators of the bus see this; use an access token of the system.",
        )
    if wanted not in ("", caller.system):
        raise NotFound(
            vi="Không có hệ thống này, hoặc bạn không được xem; hãy bỏ tham số system.",
            en="There is no such system, or you may not see it; leave out the parameter system.",
        )
    return caller.system


def describe(
    record: MessageRecord, language: Language, caller: Principal, pause: LanePause | None = None
) -> dict[str, Any]:
    """Return a message as its caller sees it; neither its request nor its answer. An ordering key may name a person, so it is for the
    system that gave it alone. Of a message whose state is damaged nothing is known but whose it is and when something was stored of it.

    Args:
        pause: why its lane waits; None where it does not.
    """
    envelope, state = record.envelope, record.state
    document: dict[str, Any] = {
        "id": envelope.message,
        "state": UNREADABLE if record.is_damaged else state.state,
        "system": envelope.consumer,
        "service": envelope.service,
        "version": envelope.version,
        "operation": envelope.operation,
        "purpose": envelope.purpose,
        "priority": envelope.priority,
        "acceptedAt": iso_time(envelope.accepted / 1000),
        "deadline": iso_time(envelope.deadline / 1000),
        "changedAt": iso_time(state.changed / 1000),
        "attemptCount": state.attempts,
        "attempts": describe_attempts(state.latest),
        "trace": envelope.traceparent[3:35],
    }
    if envelope.ordering_key and caller.is_system(envelope.consumer):
        document["orderingKey"] = envelope.ordering_key
    if state.by:
        document["decidedBy"] = state.by
    if state.next_attempt:  # its lane may pause longer than the message itself
        document["nextAttemptAt"] = iso_time(max(state.next_attempt / 1000, pause.until if pause else 0.0))
    if pause and not state.is_final:
        document["held"] = {"code": pause.reason, "until": iso_time(pause.until)}
    if state.reason:
        document["reason"] = describe_reason(state.reason, language)
    if state.answer:
        document["answer"] = {
            "href": f"/messages/{envelope.message}/response",
            "status": state.answer.status,
            "expiresAt": iso_time(state.answer.expires / 1000),
        }
    return document


def describe_attempts(attempts: Iterable[Attempt]) -> list[dict[str, str]]:
    """Return attempts at a delivery, as people and programs see them."""
    return [
        {"at": iso_time(one.at / 1000), "outcome": one.outcome or "running", "gateway": one.gateway} for one in attempts
    ]


def describe_reason(reason: Reason, language: Language) -> dict[str, str]:
    """Return why something failed, as people see it."""
    return {"code": reason.code, "text": reason.text.in_language(language)}


def _unsigned(position: int) -> int:
    """Return a position as a cursor has it: 0 where a list has ended, and one more than the sequence else."""
    return 0 if position < 0 else position + 1


def _signed(position: int) -> int:
    return position - 1


def _of_its_own_system() -> Refusal:
    return Refusal(
        "not-granted",
        vi="Chỉ hệ thống đã gửi thông điệp mới đọc được câu trả lời; hãy dùng mã truy cập của nó.",
        en="Only the system that sent a message reads its answer; use an access token of that system.",
    )


def _not_dead() -> Refusal:
    return Refusal(
        "step-not-allowed",
        vi="Thông điệp này không thuộc diện không giao được nên không cần gửi lại; hãy xem trạng thái của thông điệp.",
        en="This message is no dead letter, so there is nothing to retry; look at its state.",
    )
