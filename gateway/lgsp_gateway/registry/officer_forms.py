"""The forms that grants open to an officer: which operations, under which grants."""

from collections.abc import Iterator
from typing import NamedTuple

from lgsp_auth.policy import Grant, Officer
from lgsp_auth.principal import Principal
from lgsp_gateway.registry.form_systems import form_system_name
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.snapshot import RegistrySnapshot


class FormUser(NamedTuple):
    """An officer, and the form system of the agency by which the officer calls."""

    officer: Officer
    form_system: System


class OpenForm(NamedTuple):
    """An operation that an officer may call, and the grants under which."""

    service: str
    major: int
    operation: str
    grants: tuple[Grant, ...]


def form_user(principal: Principal, registry: RegistrySnapshot) -> FormUser | None:
    """Return the officer that a person is who has signed in; None where the person or the agency is not registered any more."""
    person = registry.persons.get(principal.person)
    form_system = registry.form_systems.get(form_system_name(principal.agency))
    if person is None or form_system is None:
        return None
    return FormUser(Officer(person.name, person.positions, principal.system), form_system)


def open_forms(user: FormUser, registry: RegistrySnapshot, now: float) -> Iterator[OpenForm]:
    """Yield the forms that are open to an officer, in the order of service, version and operation.

    Args:
        now: in seconds since 1970.
    """
    grants: dict[tuple[str, int, str], list[Grant]] = {}
    for grant in registry.grants.held_by(user.form_system.name):
        if grant.is_for(user.officer) and grant.in_force(now) and grant.suspended is None:
            for operation in grant.operations:
                grants.setdefault((grant.service, grant.major, operation), []).append(grant)
    for service, major, operation in sorted(grants):
        yield OpenForm(service, major, operation, tuple(grants[service, major, operation]))
