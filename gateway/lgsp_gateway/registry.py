"""Who is on the bus and who may what, held in memory for the call path.

A `Registry` is one state of the documents, checked as a whole and indexed; a change makes a new one, so a call sees one
state from its beginning to its end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from lgsp_auth.issuing import Client
from lgsp_auth.policy import Grant, Quota, unknown_service
from lgsp_contracts import documents, pointers
from lgsp_contracts.catalog import Catalog
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.projection import Projection
from lgsp_problems import Refusal, Text

VIETNAM = timezone(timedelta(hours=7))
"""A grant begins and ends with a day in Vietnam."""

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class System:
    """A program of an agency. `roles` are what it may do on the bus itself."""

    name: str
    agency: str
    title: Text
    roles: frozenset[str]
    client: Client


class Registry:
    """One state of the registry.

    Args:
        found: the documents (kind, metadata, spec), each with a name for messages.
        catalog: the contracts in force.

    Raises:
        Refusal: `invalid-document`, when a document breaks its rules or refers to what is not there.
    """

    def __init__(self, found: Iterable[tuple[str, Any]], catalog: Catalog) -> None:
        self.catalog = catalog
        self.agencies: dict[str, Text] = {}
        self.systems: dict[str, System] = {}
        self.grants: dict[str, Grant] = {}
        self._by_holder: dict[tuple[str, str, int], list[Grant]] = {}
        self._projections: dict[tuple[str, str], Projection] = {}
        checked = []
        for where, document in found:
            documents.check("registry", document, where)
            checked.append((where, document["kind"], document["metadata"]["name"], document["spec"]))
        for kind, add in (("Agency", self._add_agency), ("System", self._add_system), ("Grant", self._add_grant)):
            for where, of_kind, name, spec in checked:
                if of_kind == kind:
                    add(where, name, spec)
        self.purposes = frozenset(purpose for grant in self.grants.values() for purpose in grant.purposes)

    def operation(
        self, consumer: str, service: str, major: int, operation: str, now: float
    ) -> tuple[Contract, Operation]:
        """The contract and the operation that a path names, for a consumer that may know of them.

        Raises:
            Refusal: `unknown-service`.
        """
        contract = self.catalog.get((service, major))
        if contract is None or not self.may_know(consumer, contract, now):
            raise unknown_service(service, major)
        found = contract.operations.get(operation)
        if found is None:
            known = ", ".join(contract.operations)
            raise Refusal(
                "unknown-service",
                vi=f"Dịch vụ {service} v{major} không có thao tác này; các thao tác của nó: {known}.",
                en=f"Service {service} v{major} has no such operation; it has: {known}.",
            )
        return contract, found

    def may_know(self, consumer: str, contract: Contract, now: float) -> bool:
        """May a consumer know that a service exists? Of an unlisted one only while it holds a grant on it."""
        if contract.listed:
            return True
        return any(grant.in_force(now) for grant in self.held(consumer, contract.service, contract.major))

    def held(self, consumer: str, service: str, major: int) -> list[Grant]:
        """The grants that a system holds on a service."""
        return self._by_holder.get((consumer, service, major), [])

    def projection(self, grant: Grant, operation: str) -> Projection:
        """What a grant lets be seen of an operation's answer."""
        return self._projections[grant.name, operation]

    def client(self, name: str) -> Client | None:
        """How a system proves who it is."""
        system = self.systems.get(name)
        return system.client if system else None

    def _add_agency(self, where: str, name: str, spec: Mapping[str, Any]) -> None:
        _unless_taken(where, "Agency", name, self.agencies)
        self.agencies[name] = Text(**spec["title"])

    def _add_system(self, where: str, name: str, spec: Mapping[str, Any]) -> None:
        _unless_taken(where, "System", name, self.systems)
        if spec["agency"] not in self.agencies:
            raise _missing(where, "/spec/agency", "Agency", spec["agency"])
        self.systems[name] = System(
            name=name,
            agency=spec["agency"],
            title=Text(**spec["title"]),
            roles=frozenset(spec.get("roles", ())),
            client=Client(name, tuple(spec.get("jwks", ())), spec.get("secretSha256", "")),
        )

    def _add_grant(self, where: str, name: str, spec: Mapping[str, Any]) -> None:
        _unless_taken(where, "Grant", name, self.grants)
        if spec["consumer"] not in self.systems:
            raise _missing(where, "/spec/consumer", "System", spec["consumer"])
        contract = self.catalog.get((spec["service"], spec["major"]))
        if contract is None:
            raise _missing(where, "/spec/service", "Service", f"{spec['service']} v{spec['major']}")
        grant = Grant(
            name=name,
            consumer=spec["consumer"],
            service=spec["service"],
            major=spec["major"],
            operations={operation: tuple(content["fields"]) for operation, content in spec["operations"].items()},
            purposes=frozenset(spec["purposes"]),
            legal_basis=spec["legalBasis"],
            valid_from=_day(spec["validFrom"]).timestamp(),
            valid_until=(_day(spec["validUntil"]) + timedelta(days=1)).timestamp(),
            quota=Quota(spec["quota"]["requests"], _SECONDS[spec["quota"]["per"]]),
        )
        for operation, fields in grant.operations.items():
            place = f"/spec/operations/{operation}"
            if operation not in contract.operations:
                raise _missing(where, place, "operation", operation)
            for number, field in enumerate(fields):
                if field != "*" and not _has_field(contract.operations[operation].response.document, field):
                    raise _missing(where, f"{place}/fields/{number}", "field", field)
            self._projections[name, operation] = Projection(fields)
        self.grants[name] = grant
        self._by_holder.setdefault((grant.consumer, grant.service, grant.major), []).append(grant)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def _has_field(schema: Mapping[str, Any], field: str) -> bool:
    """Does a response schema know a field? References and arrays on the way are followed."""
    at: Any = schema
    for part in pointers.split(field):
        at = _followed(schema, at)
        if not isinstance(at, Mapping) or part not in at.get("properties", {}):
            return False
        at = at["properties"][part]
    return True


def _followed(root: Mapping[str, Any], at: Any) -> Any:
    while isinstance(at, Mapping) and ("$ref" in at or "items" in at):
        at = pointers.find(root, pointers.split(at["$ref"][1:])) if "$ref" in at else at["items"]
    return at


def _unless_taken(where: str, kind: str, name: str, known: Mapping[str, Any]) -> None:
    if name in known:
        raise Refusal(
            "invalid-document",
            vi=f"{where}: {kind} {name} đã có; mỗi tên chỉ được dùng một lần.",
            en=f"{where}: there is a {kind} {name} already; use each name once.",
        )


def _missing(where: str, pointer: str, kind: str, name: str) -> Refusal:
    return Refusal(
        "invalid-document",
        vi=f"{where}, {pointer}: không có {kind} {name}; hãy khai báo nó trước hoặc sửa lại tên.",
        en=f"{where}, {pointer}: there is no {kind} {name}; declare it first or correct the name.",
    )
