"""May a subscription receive this event, now? One pure function over the subscription, the registry and the time.

It is asked when a subscription is made and again at every delivery, so a grant that ends, is suspended or shows fewer fields is obeyed by
the next one.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from lgsp_auth import policy
from lgsp_auth.policy import CallDenied, EventAuthorizationRequest, Grant, NotGranted
from lgsp_contracts.contract import Contract
from lgsp_contracts.event import Event
from lgsp_contracts.projection import Projection
from lgsp_gateway.calls import missing_grants
from lgsp_gateway.delivery.subscriptions.model import Subscription
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

DECIDING_KINDS = frozenset({"Grant", "Service", "System"})
"""The kinds of documents of the registry that decide what a subscription may receive."""


class Subscriber(Protocol):
    """Who asks for events, and why: a subscription, or what is to become one."""

    @property
    def consumer(self) -> str:
        """Return the system that receives."""

    @property
    def service(self) -> str:
        """Return the service that publishes."""

    @property
    def major(self) -> int:
        """Return the major version of the service."""

    @property
    def purpose(self) -> str:
        """Return why it receives; may be empty."""


@dataclass(frozen=True, slots=True)
class AuthorizedEvent:
    """An event that a subscription may receive.

    Args:
        consumer: the system that receives.
        projection: what its grant shows of the data.
    """

    consumer: System
    contract: Contract
    event: Event
    grant: Grant
    projection: Projection

    def may_see(self, document: Any) -> bool:
        """Tell whether the consumer's agency is the recipient, where the contract says that an event has one.

        Args:
            document: the data, whole: what the grant shows may leave the recipient out.
        """
        return self.event.recipient is None or self.event.is_for(self.consumer.agency, document)


def authorize(subscriber: Subscriber, event: str, registry: RegistrySnapshot, now: float) -> AuthorizedEvent:
    """Decide whether a subscription may receive an event.

    Args:
        now: in seconds since 1970.

    Raises:
        Refusal: `unknown-service`, what `policy.decide` says, `person-required`, `service-suspended`; `not-granted` where the system
            exists no more.
    """
    consumer, service, major = subscriber.consumer, subscriber.service, subscriber.major
    system = registry.systems.get(consumer)
    if system is None:
        raise _no_system(consumer)
    contract, declared = registry.event(consumer, service, major, event, now)
    personal = declared.classification == "personal"
    ask = EventAuthorizationRequest(consumer, service, major, event, subscriber.purpose, personal)
    try:
        grant = policy.decide(ask, registry.grants_held(consumer, service, major), now)
    except NotGranted as refusal:
        raise missing_grants.explain(refusal, ask, registry, now) from refusal
    if grant.on_behalf_of:  # nobody is there when an event is delivered
        raise policy.person_required(grant)
    registry.refuse_suspended(contract, now)
    return AuthorizedEvent(system, contract, declared, grant, registry.grants.event_projection(grant, event))


def authorize_all(subscription: Subscription, registry: RegistrySnapshot, now: float) -> list[Grant]:
    """Check that a subscription may receive each of its events, and return the grants by which it does; see `authorize`.

    Raises:
        Refusal: what `authorize` says of the first that it may not.
    """
    return [authorize(subscription, event, registry, now).grant for event in subscription.events]


def refusal_of_any(subscription: Subscription, registry: RegistrySnapshot, now: float) -> Refusal | None:
    """Return why a subscription may not receive each of its events; None where it may."""
    try:
        authorize_all(subscription, registry, now)
    except Refusal as refusal:
        return refusal
    return None


def _no_system(consumer: str) -> Refusal:
    return CallDenied(
        "not-granted",
        vi=f"Hệ thống {consumer} không còn trong danh bạ; hãy xóa đăng ký nhận này.",
        en=f"System {consumer} is not in the registry any more; delete this subscription.",
    )
