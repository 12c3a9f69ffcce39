"""`/ops/idempotency-key`: the state of a call with an idempotency key, for the operator whom its caller and its provider ask.

The key is sent in a header, as with a call, so that access logs do not contain it. Officers of an agency share its form system and no keys,
so the key of a form is looked up by both.
"""

from typing import Any

import orjson
from aiohttp import web

from lgsp_auth.principal import OPERATOR, Principal, caller_name
from lgsp_contracts import names
from lgsp_contracts.names import NAME_PATTERN
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.calls.idempotency import Idempotency, KeyRecord, Outcome
from lgsp_gateway.http import decoded_bodies
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.form_systems import is_form_system_name
from lgsp_gateway.registry.persons import ID_PATTERN
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NotFound, Refusal
from lgsp_runtime.security_events import SecurityLog

OUTCOMES: tuple[Outcome, ...] = ("happened", "did-not-happen")
SYSTEM = text_parameter("system", "the system that sent the key", max_length=63, pattern=NAME_PATTERN)
OFFICER = text_parameter(
    "officer",
    "the officer who sent the key with a form of that system, by the opaque id",
    max_length=28,
    pattern=ID_PATTERN,
)
KEY = text_parameter("Idempotency-Key", "the key as the caller sent it", max_length=257, location="header")

LOOK_UP = Route(
    "GET",
    "/ops/idempotency-key",
    "readIdempotencyKey",
    "Read the state of an Idempotency-Key of a system, or of an officer's form",
    "token",
    {200: ResponseSpec("The state of the key", json_of("IdempotencyKey"))},
    roles=(OPERATOR,),
    parameters=(SYSTEM, OFFICER, KEY),
    problems=("not-found", "malformed"),
    tag="operations",
)
SETTLE = Route(
    "POST",
    "/ops/idempotency-key/settle",
    "settleIdempotencyKey",
    "Settle a call whose outcome is unknown, after asking its provider whether it happened",
    "token",
    {200: ResponseSpec("The state of the key before", json_of("IdempotencyKey"))},
    roles=(OPERATOR,),
    parameters=(SYSTEM, OFFICER, KEY),
    body=json_of("Settlement"),
    problems=("not-found", "idempotency-conflict", "revision-conflict", "contract-violation"),
    tag="operations",
)


class IdempotencyKeyRoutes:
    """The routes for operators who settle calls."""

    def __init__(
        self, callers: CallerAuthenticator, idempotency: Idempotency, registry: RegistrySnapshot, security: SecurityLog
    ) -> None:
        self._callers = callers
        self._idempotency = idempotency
        self._registry = registry
        self._security = security

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LOOK_UP, self._look_up)
        add_route(app, SETTLE, self._settle)

    async def _look_up(self, request: web.Request) -> web.Response:
        await self._callers.require_role(request, OPERATOR)
        caller = self._caller_in(request)
        return json_response((await self._idempotency.look_up(caller, KEY.read_from(request))).document())

    async def _settle(self, request: web.Request) -> web.Response:
        operator = await self._callers.require_role(request, OPERATOR)
        caller, key = self._caller_in(request), KEY.read_from(request)
        outcome, reason, answer = _parse_settlement(await decoded_bodies.read_json_object(request))
        content = b"" if answer is None else orjson.dumps(answer)
        record = await self._idempotency.resolve(caller, key, outcome, content, self._check_answer)
        self._log_settlement(operator, caller, record, outcome, reason)
        return json_response(record.document())

    def _caller_in(self, request: web.Request) -> str:
        """Return who sent a key: a system, or an officer through the form system of an agency.

        Raises:
            Refusal: `malformed`, where a form system or an officer is named without the other.
        """
        system, officer = names.system_name(SYSTEM.read_from(request)), OFFICER.read_from(request)
        is_form_system = is_form_system_name(system) and system not in self._registry.systems
        if is_form_system != bool(officer):
            raise Refusal(
                "malformed",
                vi="Khóa của biểu mẫu được tra theo cả hệ thống biểu mẫu và cán bộ đã gửi; hãy ghi system dạng forms-h49-12 và officer dạng p-…, hoặc bỏ officer với hệ thống khác.",
                en="The key of a form is looked up by the form system and the officer who sent it; name a system such as forms-h49-12 and an officer p-…, or leave officer out for any other system.",
            )
        return caller_name(system, officer)

    def _check_answer(self, record: KeyRecord, answer: bytes) -> None:
        """Check that the answer that the caller will get keeps the contract.

        Raises:
            Refusal: `contract-violation`; `not-found`, where the contract no longer has the operation.
        """
        _, service, major, name = record.operation.split(".")
        contract = self._registry.contract(names.service_name(service), names.major(major.removeprefix("v")))
        operation = contract.operations.get(name) if contract else None
        if operation is None:
            raise NotFound(
                vi="Hợp đồng không còn thao tác của lần gọi này; hãy xác định kết quả mà không kèm câu trả lời.",
                en="The contract no longer has the operation of this call; settle the call without an answer.",
            )
        try:
            operation.check_response(answer)
        except Refusal as refusal:
            raise Refusal(
                "contract-violation",
                vi="Câu trả lời không đúng hợp đồng của thao tác; hãy sửa theo danh sách lỗi.",
                en="The answer violates the contract of the operation; correct it according to the list of errors.",
                violations=refusal.violations,
            ) from refusal

    def _log_settlement(
        self, operator: Principal, caller: str, record: KeyRecord, outcome: Outcome, reason: str
    ) -> None:
        self._security.event(
            "call-settled",
            "success",
            "database",
            f"A call of {caller} was settled: {outcome}",
            user__name=str(operator),
            user__id=operator.person,
            organization__id=operator.agency,
            event__reason=reason,
            lgsp__message=record.message,
            lgsp__name=record.operation,
        )


def _parse_settlement(body: dict[str, Any]) -> tuple[Outcome, str, dict[str, Any] | None]:
    reason, answer = body.get("reason"), body.get("answer")
    outcome = next((one for one in OUTCOMES if one == body.get("outcome")), None)
    if (
        outcome is None
        or not isinstance(reason, str)
        or not 0 < len(reason) <= 500
        or not (answer is None or isinstance(answer, dict))
        or set(body) - {"outcome", "reason", "answer"}
    ):
        raise Refusal(
            "malformed",
            vi="Nội dung phải có outcome (happened hoặc did-not-happen) và reason (lý do, tối đa 500 ký tự), có thể kèm answer (câu trả lời); hãy sửa lại.",
            en="The body must have outcome (happened or did-not-happen) and reason (at most 500 characters), and may have answer, a JSON object; correct it.",
        )
    if answer is not None and outcome != "happened":
        raise Refusal(
            "malformed",
            vi="Chỉ kèm answer khi outcome là happened.",
            en="Send an answer only if the outcome is happened.",
        )
    return outcome, reason, answer
