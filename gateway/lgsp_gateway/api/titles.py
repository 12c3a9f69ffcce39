"""What people call what a list of the management API names by codes: lists are for people, and a code tells them nothing."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from lgsp_contracts.names import SystemName
from lgsp_gateway.api.schemas import TEXT, Schema, object_schema
from lgsp_gateway.observability.flows.composer import service_titles
from lgsp_gateway.registry.snapshot import RegistrySnapshot

_TITLES: Schema = {
    "type": "object",
    "additionalProperties": object_schema({"vi": TEXT, "en": TEXT}),
    "description": "what people call them, by their codes",
}
TITLES: dict[str, Schema] = dict.fromkeys(("systems", "agencies", "services"), _TITLES)
"""The schemas of what `titles_of` returns."""


async def titles_of(
    registry: RegistrySnapshot, systems: Iterable[str], agencies: Iterable[str], services: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the titles of systems, agencies and services by their codes, in both languages; those alone that are registered."""
    known_systems = {code: registry.systems.get(SystemName(code)) for code in set(systems)}
    known_agencies = {code: registry.agencies.get(code) for code in set(agencies)}
    return {
        "systems": {code: asdict(system.title) for code, system in known_systems.items() if system},
        "agencies": {code: asdict(title) for code, title in known_agencies.items() if title},
        "services": {code: asdict(title) for code, title in (await service_titles(registry, set(services))).items()},
    }
