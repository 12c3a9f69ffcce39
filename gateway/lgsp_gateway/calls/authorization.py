"""The way of a call through the bus: what is decided before its content is looked at, worked out once and remembered.

Which contract and operation a path means, which grant allows it for this purpose, what the grant shows: all of it follows from
the registry alone. So it is worked out at the first call and holds until the registry changes or the grant ends. Any
change of the registry forgets all of it: a revoked grant counts for no further call.
"""

from dataclasses import dataclass
from typing import NamedTuple

from lgsp_auth.policy import Grant
from lgsp_contracts import wire
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.projection import Projection
from lgsp_gateway.registry.snapshot import Registry

MAX_REMEMBERED = 50_000
"""Ways kept; about 10 MB when full."""


class Asked(NamedTuple):
    """What a call asks for, as its caller names it; an empty service where the path names none."""

    service: str
    major: int
    operation: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Way:
    """What was decided. `purpose` is the caller's where the registry knows it, `since` and `until` are in seconds since 1970:
    a clock that was ahead for a moment has let nobody in early for good."""

    contract: Contract
    operation: Operation
    grant: Grant
    purpose: str
    projection: Projection
    subject: str
    since: float
    until: float


class Ways:
    """The ways that callers have taken lately."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[tuple[str, Asked], Way] = {}
        registry.on_change(lambda kind, name: self._known.clear())

    def known(self, consumer: str, asked: Asked, now: float) -> Way | None:
        """The way that this caller took before, if it still holds."""
        way = self._known.get((consumer, asked))
        return way if way is not None and way.since <= now < way.until else None

    def remember(self, consumer: str, asked: Asked, contract: Contract, operation: Operation, grant: Grant) -> Way:
        """Keep what was decided."""
        way = Way(
            contract=contract,
            operation=operation,
            grant=grant,
            purpose=asked.purpose if self._registry.knows_purpose(asked.purpose) else "",
            projection=self._registry.projection(grant, operation.name),
            subject=wire.subject(contract.service, contract.major, operation.name),
            since=grant.valid_from,
            until=grant.valid_until,
        )
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        if not self._registry.may_be_suspended(contract):
            self._known[consumer, asked] = way
        return way
