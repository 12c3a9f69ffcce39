"""The grants that count for calls: those in force, and those suspended, which are refused with a reason."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from lgsp_auth.policy import Grant
from lgsp_contracts.projection import Projection

_NO_GRANTS: Mapping[str, Grant] = {}

Holding = tuple[str, str, int]
"""Consumer, service, major."""


class GrantIndex:
    """Grants by their names, and by who holds them on what."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._held: dict[Holding, dict[str, Grant]] = {}
        self._names_of: dict[str, set[str]] = {}
        self._projections: dict[tuple[str, str], Projection] = {}
        self._event_projections: dict[tuple[str, str], Projection] = {}
        self._purposes: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._grants

    def __iter__(self) -> Iterator[str]:
        return iter(self._grants)

    def get(self, name: str) -> Grant | None:
        """Return a grant; None where there is none of this name that counts."""
        return self._grants.get(name)

    def put(self, grant: Grant) -> None:
        """Take in a grant whose name is free."""
        self._grants[grant.name] = grant
        self._held.setdefault((grant.consumer, grant.service, grant.major), {})[grant.name] = grant
        self._names_of.setdefault(grant.consumer, set()).add(grant.name)
        self._purposes.update(grant.purposes)

    def remove(self, name: str) -> None:
        """Forget a grant, where it was known."""
        grant = self._grants.pop(name, None)
        if grant is None:
            return
        holding = grant.consumer, grant.service, grant.major
        del self._held[holding][name]
        if not self._held[holding]:
            del self._held[holding]
        self._names_of[grant.consumer].discard(name)
        if not self._names_of[grant.consumer]:
            del self._names_of[grant.consumer]
        for operation in grant.operations:
            self._projections.pop((name, operation), None)
        for event in grant.events:
            self._event_projections.pop((name, event), None)
        for purpose in grant.purposes:
            self._purposes[purpose] -= 1
            if not self._purposes[purpose]:
                del self._purposes[purpose]

    def grants_held(self, consumer: str, service: str, major: int) -> Collection[Grant]:
        """Return the grants that a system holds on a service."""
        return self._held.get((consumer, service, major), _NO_GRANTS).values()

    def held_by(self, consumer: str) -> list[Grant]:
        """Return all grants that a system holds, by name."""
        return [self._grants[name] for name in sorted(self._names_of.get(consumer, ()))]

    def projection(self, grant: Grant, operation: str) -> Projection:
        """Return what a grant lets be seen of an operation's answer."""
        projection = self._projections.get((grant.name, operation))
        if projection is None:
            projection = self._projections[grant.name, operation] = Projection(grant.operations[operation])
        return projection

    def event_projection(self, grant: Grant, event: str) -> Projection:
        """Return what a grant lets be seen of an event's data."""
        projection = self._event_projections.get((grant.name, event))
        if projection is None:
            projection = self._event_projections[grant.name, event] = Projection(grant.events[event])
        return projection

    def knows_purpose(self, purpose: str) -> bool:
        """Tell whether any grant names this purpose."""
        return purpose in self._purposes
