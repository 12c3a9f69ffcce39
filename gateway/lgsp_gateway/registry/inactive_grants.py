"""The grants that count for no call, and why: requested and not approved yet, denied, revoked. Refusals tell their consumer.

A consumer may read these documents anyhow; nobody else is told of them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_gateway.registry.lifecycle.grants import phase_of

Holding = tuple[str, str, int]
"""Consumer, service, major."""

_NONE: Mapping[str, "InactiveGrant"] = {}


@dataclass(frozen=True, slots=True)
class InactiveGrant:
    """A grant that is not in force.

    Args:
        phase: of its life, such as `requested` or `awaiting-operator`.
        since: when it came into this phase, in seconds since 1970.
        reason: of this phase, as whoever denied or revoked it gave it; empty where none was given.
    """

    name: str
    operations: frozenset[str]
    events: frozenset[str]
    purposes: frozenset[str]
    phase: str
    since: float
    reason: str


class InactiveGrants:
    """Grants that are not in force, by who would hold them on what."""

    def __init__(self) -> None:
        self._holding_of: dict[str, Holding] = {}
        self._held: dict[Holding, dict[str, InactiveGrant]] = {}

    def put(self, name: str, spec: Mapping[str, Any], status: Mapping[str, Any], at: int) -> None:
        """Take in a grant whose name is free.

        Args:
            at: when this version was written, in milliseconds since 1970.
        """
        holding = str(spec["consumer"]), str(spec["service"]), int(spec["major"])
        grant = InactiveGrant(
            name,
            frozenset(spec.get("operations", ())),
            frozenset(spec.get("events", ())),
            frozenset(spec["purposes"]),
            phase_of(status),
            at / 1000,
            str(status.get("reason", "")),
        )
        self._holding_of[name] = holding
        self._held.setdefault(holding, {})[name] = grant

    def remove(self, name: str) -> None:
        """Forget a grant, where it was known."""
        holding = self._holding_of.pop(name, None)
        if holding is None:
            return
        del self._held[holding][name]
        if not self._held[holding]:
            del self._held[holding]

    def held(self, consumer: str, service: str, major: int) -> Collection[InactiveGrant]:
        """Return the grants on a service that a system has not yet, or no longer."""
        return self._held.get((consumer, service, major), _NONE).values()


def latest(grants: Iterable[InactiveGrant]) -> InactiveGrant | None:
    """Return the grant whose phase began last; None of none."""
    return max(grants, key=lambda grant: grant.since, default=None)
