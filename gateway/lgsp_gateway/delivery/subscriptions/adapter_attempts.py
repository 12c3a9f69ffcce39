"""Delivers an event as a call of an operation that the subscriber's own system provides.

The call carries the id of the delivery as `call.key`, the same in each attempt, so the operation must be idempotent or know its keys.
"""

import secrets
import time

from lgsp_contracts import wire
from lgsp_contracts.contract import Contract, Operation
from lgsp_gateway.calls.authorize import AuthorizedCall
from lgsp_gateway.calls.execution.port import DeclaredError, Execution, ExecutionPort
from lgsp_gateway.calls.model import CallHead, CallRequest, CallTarget, Credentials, StepTimes
from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.subscriptions.attempts import AttemptResult, Delivered, Failed, NotSent, Rejected
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent
from lgsp_gateway.delivery.subscriptions.model import AdapterDelivery, Subscription
from lgsp_gateway.delivery.subscriptions.subscribed_event import SubscribedEvent
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import NoAdapter, NotFound, ProviderLimitReached, Refusal, RequestUnfit

_NOBODY = Credentials(None, "", "", "", "")


class AdapterAttempts:
    """Calls the operations of subscribers."""

    channel: Channel = "adapter"

    def __init__(self, registry: RegistrySnapshot, execution: ExecutionPort) -> None:
        self._registry = registry
        self._execution = execution

    async def attempt(
        self, subscription: Subscription, event: SubscribedEvent, authorized: AuthorizedEvent
    ) -> AttemptResult:
        """Call the operation; see `Attempter`."""
        if not self._execution.is_available:
            return NotSent("bus-unavailable", 1.0)
        try:
            contract, operation = find_operation(subscription, self._registry)
            self._registry.refuse_suspended(contract, time.time())
        except Refusal as refusal:  # the contract changed since: everything waits for its owner
            return NotSent(refusal.code)
        body = document_for(subscription, event)
        try:
            operation.check_request(body)
        except Refusal as refusal:
            return Rejected(Reason.of(refusal), refusal.kind.status)
        execution = self._execution_of(subscription, event, authorized, contract, operation)
        return await self._call(execution._replace(body=body))

    async def _call(self, execution: Execution) -> AttemptResult:
        began = time.perf_counter()
        try:
            answer = await self._execution.execute(execution)
            execution.authorized.operation.check_response(answer)
        except NoAdapter as refusal:
            return NotSent(refusal.code)
        except ProviderLimitReached as refusal:
            return NotSent(refusal.code, refusal.retry_after)
        except (DeclaredError, RequestUnfit) as refusal:
            return Rejected(Reason.of(refusal), refusal.kind.status, _ms_since(began))
        except Refusal as refusal:
            return Failed(Reason.of(refusal), refusal.kind.status, _ms_since(began), refusal.retry_after)
        return Delivered(200, _ms_since(began), answer)

    def _execution_of(
        self,
        subscription: Subscription,
        event: SubscribedEvent,
        authorized: AuthorizedEvent,
        contract: Contract,
        operation: Operation,
    ) -> Execution:
        target = CallTarget(contract.service, contract.major, operation.name, subscription.purpose)
        traceparent = str(event.attributes.get("traceparent", "")) or _new_traceparent()
        request = CallRequest(event.message, traceparent, event.salt, CallHead(target, _NOBODY, "", "", ""), b"")
        call = AuthorizedCall(
            contract=contract,
            operation=operation,
            grant=authorized.grant,
            purpose=subscription.purpose,
            projection=authorized.projection,
            subject=wire.subject(contract.service, contract.major, operation.name),
            since=authorized.grant.valid_from,
            until=authorized.grant.valid_until,
            revision=self._registry.revision,
        )
        publisher = self._registry.systems.get(authorized.contract.provider, authorized.consumer)
        return Execution(request, publisher, call, b"", StepTimes(), event.id)


def find_operation(subscription: Subscription, registry: RegistrySnapshot) -> tuple[Contract, Operation]:
    """Return the operation that a subscription's events are delivered to, and its contract.

    Raises:
        Refusal: `not-found`, where the subscriber's system provides no such operation; `malformed`, where a repeated call of it would
            do something twice.
    """
    delivery = subscription.delivery
    assert isinstance(delivery, AdapterDelivery)
    contract = registry.contract(delivery.service, delivery.major)
    operation = contract.operations.get(delivery.operation) if contract else None
    path = f"{delivery.service} v{delivery.major}/{delivery.operation}"
    if contract is None or operation is None or contract.provider != subscription.consumer:
        raise NotFound(
            vi=f"Hệ thống {subscription.consumer} không cung cấp thao tác {path}; hãy nêu một thao tác của chính nó.",
            en=f"System {subscription.consumer} does not provide {path}; name an operation of its own.",
        )
    if not (operation.idempotent or operation.deduplicated):
        raise Refusal(
            "malformed",
            vi=f"Thao tác {path} có thể làm hai lần khi sự kiện được giao lại; hãy chọn thao tác idempotent hoặc có idempotencyKey.deduplicated.",
            en=f"{path} may do something twice when an event is delivered again; choose an operation that is idempotent or says idempotencyKey.deduplicated.",
        )
    return contract, operation


def document_for(subscription: Subscription, event: SubscribedEvent) -> bytes:
    """Return the document that the operation of a subscription gets for an event."""
    assert isinstance(subscription.delivery, AdapterDelivery)
    return event.data if subscription.delivery.content == "data" else event.structured


def _new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
