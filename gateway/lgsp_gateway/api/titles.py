"""What people call what a list of the management API names by codes: lists are for people, and a code tells them nothing."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from lgsp_gateway.api.schemas import TEXT, Schema, object_schema
from lgsp_gateway.observability.flows.composer import newest_summary, service_titles
from lgsp_gateway.registry.snapshot import RegistrySnapshot

_TITLES: Schema = {
    "type": "object",
    "additionalProperties": object_schema({"vi": TEXT, "en": TEXT}),
    "description": "what people call them, by their codes",
}
TITLES: dict[str, Schema] = dict.fromkeys(("systems", "agencies", "services"), _TITLES)
"""The schemas of what `titles_of` returns."""
MESSAGE_TITLES: Schema = object_schema(dict.fromkeys((*TITLES, "operations", "events"), _TITLES))
"""The schema of what `titles_of_messages` returns."""

_SYSTEMS = ("consumer", "provider", "system")


async def titles_of(
    registry: RegistrySnapshot, systems: Iterable[str], agencies: Iterable[str], services: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the titles of systems, agencies and services by their codes, in both languages; those alone that are registered."""
    known_systems = {code: registry.consumer(code) for code in set(systems)}
    known_agencies = {code: registry.agencies.get(code) for code in set(agencies)}
    return {
        "systems": {code: asdict(system.title) for code, system in known_systems.items() if system},
        "agencies": {code: asdict(title) for code, title in known_agencies.items() if title},
        "services": {code: asdict(title) for code, title in (await service_titles(registry, set(services))).items()},
    }


async def titles_of_messages(
    registry: RegistrySnapshot, messages: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the titles of what messages name, in both languages: of systems, agencies and services, and of operations and events by
    `service/name`; those alone that are registered.

    Args:
        messages: entries of the evidence, accepted messages, or dead letters.
    """
    messages = list(messages)
    systems = {one[member] for one in messages for member in _SYSTEMS if one.get(member)}
    services = {one["service"] for one in messages if one.get("service")}
    titles = await titles_of(registry, systems, {one["agency"] for one in messages if one.get("agency")}, services)
    named = {
        (one["service"], one[member])
        for one in messages
        for member in ("operation", "event", "name")
        if one.get(member)
    }
    operations, events = dict[str, Any](), dict[str, Any]()
    for service in sorted(services):
        summary = newest_summary(registry, service)
        for kind, parts in ((operations, summary.operations), (events, summary.events)) if summary else ():
            kind |= {
                f"{service}/{name}": asdict(part.title) for name, part in parts.items() if (service, name) in named
            }
        await asyncio.sleep(0)  # reading a contract may take a millisecond
    return {**titles, "operations": operations, "events": events}
