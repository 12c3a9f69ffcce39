"""May this call be made? One pure function over what is asked for, the registry and the time.

It looks at everything that is decided before a call's document: which contract and operation a path means, which grant allows it for
this purpose, whether the service is suspended, what the grant shows of the answer.
"""

from dataclasses import dataclass, replace

from lgsp_auth import policy
from lgsp_auth.policy import AuthorizationRequest, Grant, NotGranted, Officer
from lgsp_contracts import wire
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.projection import Projection
from lgsp_gateway.calls import missing_grants
from lgsp_gateway.calls.model import CallTarget
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class AuthorizedCall:
    """A call that may be made.

    Args:
        purpose: the caller's, where a grant names it; else empty.
        subject: of NATS, on which the provider's adapter is asked.
        since, until: when its grant holds, in seconds since 1970.
        revision: of the registry that it was decided on.
        is_trial: a person only tries the operation: adapters before a sandbox are asked, and no file is passed on.
    """

    contract: Contract
    operation: Operation
    grant: Grant
    purpose: str
    projection: Projection
    subject: str
    since: float
    until: float
    revision: int
    is_trial: bool = False

    def as_trial(self) -> "AuthorizedCall":
        """Return the same call, made to the adapters before a sandbox alone."""
        contract = self.contract
        subject = wire.trial_subject(contract.service, contract.major, self.operation.name)
        return replace(self, subject=subject, is_trial=True)


@dataclass(frozen=True, slots=True)
class UnauthorizedCall:
    """A call that may not be made, why, and what was known of it by then. What its caller named freely is not in it."""

    refusal: Refusal
    provider: str = ""
    service: str = ""
    version: str = ""
    operation: str = ""
    purpose: str = ""
    grant: str = ""


def authorize(
    consumer: str, target: CallTarget, registry: RegistrySnapshot, now: float, officer: Officer | None = None
) -> AuthorizedCall | UnauthorizedCall:
    """Decide on a call by what the registry says.

    Args:
        consumer: the system that calls.
        now: in seconds since 1970.
        officer: who calls by it, where it is the form system of an agency.
    """
    try:
        contract, operation = registry.operation(consumer, target.service, target.major, target.operation, now)
    except Refusal as refusal:
        return UnauthorizedCall(refusal)
    purpose = target.purpose if registry.knows_purpose(target.purpose) else ""
    named = contract.provider, contract.service, contract.version, operation.name, purpose
    ask = AuthorizationRequest(consumer, *target, personal=operation.classification == "personal", officer=officer)
    try:
        grant = policy.decide(ask, registry.grants_held(consumer, contract.service, contract.major), now)
    except NotGranted as refusal:
        explained = refusal if officer else missing_grants.explain(refusal, ask, registry, now)
        return UnauthorizedCall(explained, *named)
    except Refusal as refusal:
        return UnauthorizedCall(refusal, *named)
    try:
        registry.refuse_suspended(contract, now)
    except Refusal as refusal:
        return UnauthorizedCall(refusal, *named, grant.name)
    return AuthorizedCall(
        contract=contract,
        operation=operation,
        grant=grant,
        purpose=purpose,
        projection=registry.grants.projection(grant, operation.name),
        subject=wire.subject(contract.service, contract.major, operation.name),
        since=grant.valid_from,
        until=grant.valid_until,
        revision=registry.revision,
    )
