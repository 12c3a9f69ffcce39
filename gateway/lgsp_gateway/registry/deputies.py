"""Deputies of absent approvers: who decides on grants in whose place, and when.

An operator names the deputy in the approver's document, and the approver consents to exactly that. What both agreed on is bound
to the account that the deputy had then (the generation of their sessions): a deputy who is suspended, or linked to another account,
is a deputy no more. Whatever a deputy approves, the approver answers for too, so that the two of them are one pair of eyes.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lgsp_auth.principal import Principal
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry.approver_roles import APPROVING_ROLES
from lgsp_gateway.registry.documents import is_same_json

State = Literal["awaiting-consent", "planned", "in-force", "ended", "void"]
"""`void`: the deputy's account changed, or they act no more; they have to be named again."""

NAMED = "deputyNamed"
CONSENTED = "deputyConsent"
"""Members of the status of a person: what was named, and what they consented to."""


@dataclass(frozen=True, slots=True)
class Deputy:
    """Who was named as somebody's deputy.

    Args:
        person: the deputy's id.
        since, until: the first and the last day (ISO 8601).
        generation: of the deputy's sessions when they were named.
        consented: the approver has agreed to this.
    """

    person: str
    since: str
    until: str
    generation: int
    consented: bool

    def state(self, people: Mapping[str, "Member"], today: str) -> State:
        """Return what becomes of it on a day (ISO 8601)."""
        deputy = people.get(self.person)
        if self.until < today:
            return "ended"
        if deputy is None or deputy.phase != "active" or deputy.generation != self.generation:
            return "void"
        if not self.consented:
            return "awaiting-consent"
        return "in-force" if self.since <= today else "planned"


class Member(Protocol):
    """A person of the registry (`registry.persons.Person`)."""

    @property
    def name(self) -> str: ...

    @property
    def agency(self) -> str: ...

    @property
    def roles(self) -> frozenset[str]: ...

    @property
    def phase(self) -> str: ...

    @property
    def generation(self) -> int: ...

    @property
    def deputy(self) -> Deputy | None: ...


def read_deputy(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Deputy | None:
    """Read the deputy from spec and status of a person's document; None where none is named."""
    named = status.get(NAMED)
    if not named or not is_same_json(_without_generation(named), spec.get("deputy")):
        return None
    consented = is_same_json(named, status.get(CONSENTED))
    return Deputy(named["person"], named["from"], named["until"], named["generation"], consented)


def naming(spec: Mapping[str, Any], generation: int) -> dict[str, Any]:
    """Return what a person's status says of the deputy that their document names.

    Args:
        generation: of the deputy's sessions.
    """
    return {NAMED: {**spec["deputy"], "generation": generation}}


def principal_of_deputy(deputy: Principal, absent: str, people: Mapping[str, Member]) -> Principal | None:
    """Return the principal that a person is in an absent approver's place; None where they are not their deputy today.

    Args:
        deputy: the person, as themselves or in somebody's place.
        absent: the id of the approver.
        people: those of the registry, by id.
    """
    approver = people.get(absent)
    if approver is None or approver.phase != "active" or approver.deputy is None:
        return None
    if approver.deputy.person != deputy.person or approver.deputy.state(people, today()) != "in-force":
        return None
    return Principal(
        approver.agency, approver.roles & APPROVING_ROLES, deputy.system, deputy.person, stands_in_for=absent
    )


def principals_of(caller: Principal, people: Mapping[str, Member]) -> Iterator[Principal]:
    """Yield as whom a caller decides on grants: themselves, and in the place of each approver whose deputy they are today."""
    yield caller
    if not caller.person:
        return
    for absent in people.values():
        if absent.deputy is not None and (principal := principal_of_deputy(caller, absent.name, people)):
            yield principal


def today() -> str:
    """Return the day in Vietnam (ISO 8601)."""
    return datetime.datetime.now(VIETNAM).date().isoformat()


def _without_generation(named: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in named.items() if key != "generation"}
