"""What calls ask of a system and of a grant, read from their documents."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lgsp_auth.client_authentication import Client
from lgsp_auth.identity import FIRST, Generation
from lgsp_auth.policy import Grant, Officers, Quota, Suspension
from lgsp_contracts.file_references import FileLimits
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry import key_registrars
from lgsp_gateway.registry.approvals import Approvals
from lgsp_gateway.registry.lifecycle import tokens as token_life
from lgsp_gateway.registry.lifecycle.grants import phase_of
from lgsp_problems import Text

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_DAY_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class System:
    """A program of an agency. `roles` are what it may do on the bus itself, `tokens` those of its tokens that count."""

    name: str
    agency: str
    title: Text
    roles: frozenset[str]
    client: Client
    tokens: Generation = FIRST
    keys_registered_by: frozenset[str] = frozenset()
    """The ids of the persons who registered a key or the secret that it has now."""


def read_system(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> System:
    generation = token_life.generation_of(status)
    client = Client(name, tuple(spec.get("jwks", ())), spec.get("secretSha256", ""), generation.number)
    roles, registrars = frozenset(spec.get("roles", ())), key_registrars.registrars_of(status)
    return System(name, spec["agency"], Text(**spec["title"]), roles, client, generation, registrars)


def read_grant(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Grant:
    files = FileLimits.from_document(spec.get("files", {}))
    # Grants repeat each other's words; interned, 100,000 of them share one copy of each.
    return Grant(
        name=name,
        consumer=sys.intern(spec["consumer"]),
        service=sys.intern(spec["service"]),
        major=spec["major"],
        operations=_fields(spec.get("operations", {})),
        events=_fields(spec.get("events", {})),
        purposes=frozenset(map(sys.intern, spec["purposes"])),
        legal_basis=sys.intern(spec["legalBasis"]),
        valid_from=_day(spec["validFrom"]).timestamp(),
        valid_until=_day(spec["validUntil"]).timestamp() + _DAY_SECONDS,  # of a day that may be the last there is
        quota=_quota(spec["quota"]),
        daily=int(spec["quota"].get("daily", 0)),
        sender_constrained=spec.get("senderConstrained", False),
        on_behalf_of=spec.get("onBehalfOf", ""),
        suspended=_suspended(status),
        file_types=files.media_types,
        max_file_bytes=files.max_size,
        shows_personal=Approvals.from_status(status).suffice(),
        officers=_officers(spec["officers"]) if "officers" in spec else None,
        reference_required=spec.get("referenceRequired", False),
    )


def _officers(named: Mapping[str, Any]) -> Officers:
    quota = _quota(named["quota"]) if "quota" in named else None
    return Officers(frozenset(named.get("positions", ())), frozenset(named.get("persons", ())), quota)


def _quota(quota: Mapping[str, Any]) -> Quota:
    return Quota(int(quota["requests"]), _SECONDS[quota["per"]])  # JSON may write it 10.0


def _fields(contents: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {sys.intern(name): tuple(map(sys.intern, content["fields"])) for name, content in contents.items()}


def _suspended(status: Mapping[str, Any]) -> Suspension | None:
    if phase_of(status) != "suspended":
        return None
    by = status.get("suspendedAs")
    return Suspension(
        str(status.get("reason", "")), str(status.get("until", "")), by if by in ("provider", "operator") else ""
    )


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
