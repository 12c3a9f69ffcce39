"""Whom a grant concerns and who approves it, as the management API says it: with titles, and with people's ids only for whoever may read who has roles."""

from collections.abc import Mapping
from typing import Any

from lgsp_auth import roles
from lgsp_auth.principal import Principal, person_name
from lgsp_gateway.api.schemas import TEXT, TEXTS, Schema, object_schema, ref
from lgsp_gateway.registry.grant_parties import Party, approver_groups, consumer_of, provider_of
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text


def party_schemas() -> dict[str, Schema]:
    """Return the components by name."""
    party = object_schema({"name": TEXT}, {"title": ref("Text"), "agency": TEXT, "agencyTitle": ref("Text")})
    people = {**TEXTS, "description": "the principals who have the role now, where the caller may know them"}
    return {
        "GrantParties": object_schema(
            {"consumer": party, "provider": party},
            {"serviceTitle": {**ref("Text"), "description": "where the caller may read the contract"}},
        ),
        "ApproverGroup": object_schema(
            {"as": {"enum": ["provider", "operator"]}, "role": TEXT},
            {"agency": TEXT, "agencyTitle": ref("Text"), "people": people},
        ),
    }


def parties_document(
    spec: Mapping[str, Any], contract: Mapping[str, Any] | None, registry: RegistrySnapshot
) -> dict[str, Any]:
    """Return whom a grant concerns.

    Args:
        contract: of the service; None where the caller may not read it.
    """
    document: dict[str, Any] = {
        "consumer": _party(consumer_of(spec, registry)),
        "provider": _party(provider_of(spec, registry)),
    }
    return {**document, "serviceTitle": contract["title"]} if contract else document


def approvers_document(caller: Principal, spec: Mapping[str, Any], registry: RegistrySnapshot) -> list[dict[str, Any]]:
    """Return who may approve a grant; the people only where the caller may read who has roles."""
    provider, items = provider_of(spec, registry), []
    for group in approver_groups(provider, registry):
        item: dict[str, Any] = {"as": group.rank, "role": group.role}
        if group.agency:
            item["agency"] = group.agency
            item |= _titled("agencyTitle", provider.agency_title)
        agencies = {registry.persons[person].agency for person in group.persons} or {group.agency}
        if all(roles.allowed(caller.roles, caller.agency, "Person", "read", frozenset({one})) for one in agencies):
            item["people"] = [person_name(person) for person in group.persons]
        items.append(item)
    return items


def _party(party: Party) -> dict[str, Any]:
    document: dict[str, Any] = {"name": party.name, **_titled("title", party.title)}
    return document | ({"agency": party.agency, **_titled("agencyTitle", party.agency_title)} if party.agency else {})


def _titled(member: str, title: Text | None) -> dict[str, Any]:
    return {member: {"vi": title.vi, "en": title.en}} if title else {}
