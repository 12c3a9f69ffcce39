"""Who is concerned by a grant: the system that holds it, the system that provides the service, and the people whose approval it needs.

Whoever asked for a grant has to know whom to turn to, and whoever approves it for whom; the document names systems alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_auth import roles
from lgsp_auth.principal import OPERATOR
from lgsp_gateway.registry.approvals import Approver
from lgsp_gateway.registry.documents import service_name
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text

_ROLE_OF: Mapping[Approver, roles.Role] = {"provider": "agency-admin", "operator": "operator"}


@dataclass(frozen=True, slots=True)
class Party:
    """A system that a grant concerns.

    Args:
        name: of the system; "" where no system provides the service.
        title: of the system; None where the registry knows no such system.
        agency: the code of its agency; "" where it is not known.
        agency_title: of the agency; None where it is not known.
    """

    name: str
    title: Text | None
    agency: str
    agency_title: Text | None


@dataclass(frozen=True, slots=True)
class ApproverGroup:
    """People one of whom approves a grant.

    Args:
        rank: as what they approve.
        role: that they have.
        agency: the code of the agency for which they have it; "" for the whole bus.
        persons: the ids of those who have the role now.
    """

    rank: Approver
    role: str
    agency: str
    persons: tuple[str, ...]


def consumer_of(spec: Mapping[str, Any], registry: RegistrySnapshot) -> Party:
    """Return who holds a grant."""
    return _party(str(spec.get("consumer", "")), registry)


def provider_of(spec: Mapping[str, Any], registry: RegistrySnapshot) -> Party:
    """Return who provides the service of a grant."""
    return _party(registry.services.provider_of(service_name(spec["service"], spec["major"])) or "", registry)


def approver_groups(provider: Party, registry: RegistrySnapshot) -> tuple[ApproverGroup, ...]:
    """Return who may approve a grant: both groups have to where it shows personal data, one of them otherwise.

    Args:
        provider: who provides the service.
    """
    found: list[ApproverGroup] = []
    agencies: dict[Approver, str] = {"provider": provider.agency, "operator": ""}
    for rank, agency in agencies.items():
        role = _ROLE_OF[rank]
        persons = tuple(
            sorted(
                person.name
                for person in registry.persons.values()
                if role in person.roles and person.phase == "active" and (role == OPERATOR or person.agency == agency)
            )
        )
        found.append(ApproverGroup(rank, role, agency, persons))
    return tuple(found)


def _party(name: str, registry: RegistrySnapshot) -> Party:
    system = registry.consumer(name) if name else None
    if system is None:
        return Party(name, None, "", None)
    return Party(name, system.title, system.agency, registry.agencies.get(system.agency))
