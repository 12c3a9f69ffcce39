"""Which documents refer to which: pure functions over the registry's indexes, none of which parses a document."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import Exchange, service_name
from lgsp_gateway.registry.form_systems import form_system_name
from lgsp_gateway.registry.lifecycle.grants import APPROVED
from lgsp_gateway.registry.snapshot import RegistrySnapshot


def referring_document(kind: str, name: str, registry: RegistrySnapshot) -> str:
    """Return a document that refers to this one, such as `System mot-cua`; empty where none does."""
    services, grants = registry.index["Service"], registry.index["Grant"]
    if kind == "Agency":
        members = ((of, registry.index[of].names("agency", name)) for of in ("System", "Person"))
        member = next((f"{of} {member}" for of, names in members for member in names), "")
        return member or _grant_in_force(grants.names("consumer", form_system_name(name)), registry)
    if kind == "System":
        users = (f"Service {service}" for service in services.names("provider", name))
        return next(users, "") or _grant_in_force(grants.names("consumer", name), registry)
    if kind == "Service":
        approved = approved_grant_on(DocumentName(name), registry)
        return f"Grant {approved}" if approved else ""
    return ""


def open_grant_of(consumer: str, registry: RegistrySnapshot) -> str:
    """Return a grant that a system holds or may yet be given; empty where there is none."""
    index = registry.index["Grant"]
    named = index.names("consumer", consumer)
    return next((name for name in named if index.facts[name].phase not in ("denied", "revoked")), "")


def approved_grant_on(service: DocumentName, registry: RegistrySnapshot) -> str:
    """Return a grant on a service that somebody has approved, in force or not yet; empty where there is none.

    Args:
        service: the name of its document.
    """
    index = registry.index["Grant"]
    named = index.names("contract", service)
    return next((name for name in named if index.facts[name].phase in APPROVED), "")


def approved_for_less(service: str, major: int, exchanges: Collection[Exchange], registry: RegistrySnapshot) -> str:
    """Return a grant in force that names one of some operations and events and is not approved for personal data; empty where there is none."""
    for name in registry.index["Grant"].names("contract", service_name(service, major)):
        grant = registry.grants.get(name)
        if grant is None or grant.shows_personal or grant.suspended is not None:
            continue
        named = {("operations", name) for name in grant.operations} | {("events", name) for name in grant.events}
        if not named.isdisjoint(exchanges):
            return grant.name
    return ""


def shows_personal_data(spec: Mapping[str, Any], registry: RegistrySnapshot) -> bool:
    """Tell whether a grant shows personal data; one on a service that is not in force is assumed to."""
    contract = registry.summary(spec["service"], spec["major"])
    if contract is None:
        return True
    operations = (contract.operations.get(name) for name in spec.get("operations", {}))
    events = (contract.events.get(name) for name in spec.get("events", {}))
    return any(named.classification == "personal" for named in (*operations, *events) if named)


def _grant_in_force(names: Iterable[DocumentName], registry: RegistrySnapshot) -> str:
    return next((f"Grant {name}" for name in names if name in registry.grants), "")
