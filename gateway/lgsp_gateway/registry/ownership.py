"""Whose a document is, by what it says and what the registry says of the systems it names; and whose a name is, for ever: evidence and grants speak of names, so that of a deleted document stays its agency's.

A service's name belongs to the agency whose system provides it, with all its major versions; a system's name to its
agency. Only an operator gives a name to somebody else. A grant is, while it is there, for one consumer and one service.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.document_index import Facts
from lgsp_gateway.registry.documents import DocumentVersion, service_name
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


def owners_of(kind: str, name: str, spec: Mapping[str, Any], registry: RegistrySnapshot) -> frozenset[str]:
    """Return the agencies whose document this is: its own, or the provider's.

    Args:
        spec: what the document says, which may not be stored yet.
    """
    if kind in ("Instance", "Purpose"):
        return frozenset()
    if kind == "Agency":
        return frozenset({name})
    if kind == "Service":
        return agencies_of(str(spec["contract"].get("provider")), registry)
    if kind == "Grant":
        return agencies_of(registry.services.provider_of(service_name(spec["service"], spec["major"])), registry)
    return frozenset({spec["agency"]})


def readers_of(version: DocumentVersion, registry: RegistrySnapshot) -> frozenset[str]:
    """Return the agencies whose own a version is for reading it: its owners, and for a grant the consumer's.

    The version in force is not parsed for it.
    """
    facts = registry.index[version.kind].facts.get(version.name)
    if facts is not None and registry.versions[version.kind].get(version.name) is version:
        return _readers_by_facts(version.kind, version.name, facts, registry)
    spec = version.spec
    if spec is None:
        return frozenset(version.status.get("owners", ()))
    owners = owners_of(version.kind, version.name, spec, registry)
    return owners | consumer_agency(spec, registry) if version.kind == "Grant" else owners


def consumer_agency(spec: Mapping[str, Any], registry: RegistrySnapshot) -> frozenset[str]:
    """Return the agency that a grant is for."""
    return agencies_of(str(spec.get("consumer", "")), registry)


def agencies_of(system: str | None, registry: RegistrySnapshot) -> frozenset[str]:
    """Return the agency of a system, or of a form system; none where there is no such system."""
    entry = registry.consumer(system) if system else None
    return frozenset({entry.agency}) if entry else frozenset()


def _readers_by_facts(kind: str, name: DocumentName, facts: Facts, registry: RegistrySnapshot) -> frozenset[str]:
    if kind in ("Instance", "Purpose"):
        return frozenset()
    if kind == "Agency":
        return frozenset({name})
    if kind == "Service":
        return agencies_of(facts.provider, registry)
    if kind == "Grant":
        provider = registry.services.provider_of(DocumentName(facts.contract))
        return agencies_of(provider, registry) | agencies_of(facts.consumer, registry)
    return frozenset({facts.agency})


def refuse_foreign(kind: str, name: str, owners: set[str], agency: str) -> None:
    """Raise when a name belongs to another agency.

    Args:
        owners: whose it is; empty where it is free.

    Raises:
        Refusal: `not-granted`.
    """
    if owners - {agency}:
        raise Refusal(
            "not-granted",
            vi=f"Tên {kind} {name} thuộc về một cơ quan khác; hãy chọn tên khác, hoặc nhờ người vận hành trục chuyển giao.",
            en=f"The name of {kind} {name} belongs to another agency; choose another, or ask an operator of the bus to transfer it.",
        )


def refuse_other_grant(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise when a grant changes its consumer or its service, which its approvals and the evidence refer to.

    Raises:
        Refusal: `step-not-allowed`.
    """
    if any(before[part] != after[part] for part in ("consumer", "service", "major")):
        raise Refusal(
            "step-not-allowed",
            vi=f"Quyền {name} gắn với một hệ thống khai thác và một dịch vụ; hãy tạo quyền khác với tên khác.",
            en=f"Grant {name} is for one consumer and one service; make another grant under another name.",
        )
