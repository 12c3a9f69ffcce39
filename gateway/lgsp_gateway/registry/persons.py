"""People of the registry: who may sign in, for which agency and in which roles, and the principals that callers become.

A `Person` document holds an opaque id, the issuer that knows the person, the agency and the roles. Which account of the
issuer is theirs stands in its status as a commitment alone (`lgsp_gateway.sessions.accounts`).
"""

import base64
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lgsp_auth.principal import Principal
from lgsp_gateway.registry import approver_roles, deputies
from lgsp_gateway.registry.deputies import Deputy

if TYPE_CHECKING:
    from lgsp_gateway.registry.indexed_documents import System
    from lgsp_gateway.registry.snapshot import RegistrySnapshot

ID_PATTERN = "^p-[a-z2-7]{26}$"
"""130 random bits in base 32: nothing of a name, a number or a date fits into it by accident."""

_ID = re.compile(ID_PATTERN.removesuffix("$") + r"\Z")


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the registry has them now.

    Args:
        name: the opaque id.
        issuer: the exact `iss` of the OpenID Connect issuer that they sign in with.
        account: the commitment to their account there; empty where none is linked.
        phase: of their life (`lifecycle.persons`); only an `active` person acts.
        generation: counts on whenever the sessions of before end.
        approver_for: by approving role the agencies for which they have ever had it while they were active.
        deputy: who may approve in their place, where they have consented; None for nobody.
        positions: that an officer holds in the agency.
    """

    name: str
    issuer: str
    agency: str
    roles: frozenset[str]
    account: str
    phase: str
    generation: int
    approver_for: Mapping[str, frozenset[str]]
    deputy: Deputy | None = None
    positions: frozenset[str] = frozenset()


def new_person_id() -> str:
    """Return a new opaque id of a person: random, not derived from anything about them."""
    return "p-" + base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]


def is_person_id(text: str) -> bool:
    """Tell whether a text is the id of a person, as the schema of the documents has it."""
    return _ID.match(text) is not None


def read_person(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Person:
    """Read a person from the spec and the status of their document."""
    return Person(
        name=name,
        issuer=spec["issuer"],
        agency=spec["agency"],
        roles=frozenset(spec["roles"]),
        account=status.get("account", ""),
        phase=status.get("phase", "created"),
        generation=status.get("generation", 0),
        approver_for=approver_roles.agencies_by_role(spec, status),
        deputy=deputies.read_deputy(spec, status),
        positions=frozenset(spec.get("positions", ())),
    )


def principal_of_system(system: "System") -> Principal:
    """Return the principal that a system is when it acts by itself."""
    return Principal(system.agency, system.roles, system=system.name, keys_registered_by=system.keys_registered_by)


def principal_of_person(person: Person, system: str = "") -> Principal:
    """Return the principal that a person is.

    Args:
        system: the one that they act through; empty where they use none.
    """
    return Principal(person.agency, person.roles, system=system, person=person.name)


def current(principal: Principal, registry: "RegistrySnapshot") -> Principal | None:
    """Return the same principal with the roles and the agency of now; None where it may act no more."""
    if principal.stands_in_for:
        return deputies.principal_of_deputy(principal, principal.stands_in_for, registry.persons)
    if principal.person:
        person = registry.persons.get(principal.person)
        if (
            person is None
            or person.phase != "active"
            or (principal.system and principal.system not in registry.systems)
        ):
            return None
        return principal_of_person(person, principal.system)
    system = registry.systems.get(principal.system)
    return principal_of_system(system) if system else None


def count_operators(people: Iterable[Person]) -> int:
    """Count the persons who are operators, at work or suspended.

    Who is suspended counts: else whoever may suspend them could bring back the time before there were people.
    """
    return sum("operator" in person.roles and person.phase in ("active", "suspended") for person in people)
