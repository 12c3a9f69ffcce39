"""What a call asks of the registry, held in memory and indexed.

A document arrives here after it was checked and stored, so it is taken as it is. One that cannot be indexed all the same (written
by a later version of the bus, say) is not in force, and stops no other. It is parsed once, as it arrives; requests read the indexes.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog

from lgsp_auth.client_authentication import Client
from lgsp_auth.policy import Grant, Quota, unknown_service
from lgsp_auth.tokens import FIRST, Generation
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.names import DocumentName, Major, ServiceName, SystemName
from lgsp_contracts.projection import Projection
from lgsp_contracts.summary import ContractSummary
from lgsp_gateway.registry.approvals import Approvals
from lgsp_gateway.registry.contract_cache import ContractCache
from lgsp_gateway.registry.document_index import DocumentIndex, Facts, facts_of
from lgsp_gateway.registry.documents import KINDS, VIETNAM, Spec, Version, service_and_major, service_name
from lgsp_gateway.registry.instance import Instance, read_instance
from lgsp_gateway.registry.lifecycle import tokens as token_life
from lgsp_gateway.registry.lifecycle.announcements import Announcement, read_announcement
from lgsp_gateway.registry.lifecycle.contracts import IN_FORCE, phase_of
from lgsp_gateway.registry.lifecycle.grants import phase_of as phase_of_grant
from lgsp_gateway.registry.service_index import ServiceIndex
from lgsp_problems import Refusal, Text
from lgsp_runtime.error_frames import frames

MAX_SUMMARIES = 1_000
"""Contracts whose titles are remembered after somebody read them."""

_NOTHING: Mapping[str, str] = {}
_NO_GRANTS: Mapping[str, Grant] = {}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

Holding = tuple[str, str, int]
"""Consumer, service, major."""


@dataclass(frozen=True, slots=True)
class System:
    """A program of an agency. `roles` are what it may do on the bus itself, `tokens` those of its tokens that count."""

    name: str
    agency: str
    title: Text
    roles: frozenset[str]
    client: Client
    tokens: Generation = FIRST


class Registry:
    """The registry of one gateway, as of `revision`."""

    def __init__(self) -> None:
        self.revision = 0
        self.instance: Instance | None = None
        self.agencies: dict[str, Text] = {}
        self.systems: dict[str, System] = {}
        self.grants: dict[str, Grant] = {}
        self.versions: dict[str, dict[DocumentName, Version]] = {kind: {} for kind in KINDS}
        self._deleted: dict[tuple[str, str], frozenset[str]] = {}
        self._majors: dict[str, set[DocumentName]] = {}
        self._providers: dict[DocumentName, SystemName] = {}
        self.providers: dict[ServiceName, dict[Major, SystemName]] = {}
        """The provider of each service in force, by its major version."""
        self.unreadable: dict[tuple[str, DocumentName], Exception] = {}
        """Documents that are not in force, since they could not be indexed, and why."""
        self.index: dict[str, DocumentIndex] = {kind: DocumentIndex() for kind in KINDS}
        self.services = ServiceIndex()
        self.contracts = ContractCache(self.service_in_force)
        self._summary = lru_cache(MAX_SUMMARIES)(_summary)
        self._provided: dict[SystemName, set[DocumentName]] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        self._announcements: dict[DocumentName, Announcement] = {}
        self._held: dict[Holding, dict[str, Grant]] = {}
        self._projections: dict[tuple[str, str], Projection] = {}
        self._purposes: dict[str, int] = {}

    def apply(self, version: Version) -> None:
        """Take a new version of a document into force. An older one than what is known changes nothing."""
        known = self.versions.get(version.kind)
        self.revision = max(self.revision, version.revision)
        if known is None or (version.name in known and known[version.name].revision >= version.revision):
            return
        self._forget(version.kind, version.name)
        spec, status = version.spec_and_status()
        if version.kind == "Service":
            self._majors.setdefault(version.name.rpartition("-v")[0], set()).add(version.name)
        if spec is None:
            known.pop(version.name, None)
            self.index[version.kind].remove(version.name)
            self._deleted[version.kind, version.name] = frozenset(status.get("owners", ()))
        else:
            known[version.name] = version
            self._index_if_readable(version, spec, status)
        for listener in tuple(self._listeners):
            listener(version.kind, version.name)

    @classmethod
    def fault_of(cls, version: Version) -> Exception | None:
        """Why a document could not be indexed; None where it can be."""
        try:
            spec, status = version.spec_and_status()
            cls()._index(version, spec or {}, status)
        except Exception as error:  # as in `_index_if_readable`
            return error
        return None

    def on_change(self, listener: Callable[[str, str], None]) -> None:
        """Tell a listener kind and name of every document that changes from now on."""
        self._listeners.append(listener)

    def no_longer(self, listener: Callable[[str, str], None]) -> None:
        """Stop telling a listener."""
        self._listeners.remove(listener)

    def services_in_force(self) -> set[str]:
        """Services that somebody may be calling now."""
        return self.services.names()

    def provided_by(self, system: SystemName) -> list[tuple[ServiceName, Major]]:
        """The services in force of which a system is the provider. A draft or what is retired gives no right to anything."""
        return sorted(service_and_major(name) for name in self._provided.get(system, ()) if name in self.services)

    def majors(self, service: str) -> set[DocumentName]:
        """The names of all documents of a service there ever were, deleted ones too."""
        return self._majors.get(service, set())

    def _index_if_readable(self, version: Version, spec: Mapping[str, Any], status: Spec) -> None:
        self.index[version.kind].put(version.name, facts_of(version.kind, version.name, spec, status))
        try:
            self._index(version, spec, status)
        except Exception as error:  # of whatever type: a document that nobody foresaw must not keep the next one out
            self._forget(version.kind, version.name)
            self.unreadable[version.kind, version.name] = error
            structlog.get_logger().error(
                "document not in force",
                kind=version.kind,
                name=version.name,
                revision=version.revision,
                error=type(error).__name__,
                frames=frames(error),
            )

    def _index(self, version: Version, spec: Mapping[str, Any], status: Spec) -> None:
        if version.kind == "Instance":
            self.instance = read_instance(spec)
        elif version.kind == "Agency":
            self.agencies[version.name] = Text(**spec["title"])
        elif version.kind == "System":
            self.systems[version.name] = _system(version.name, spec, status)
        elif version.kind == "Service":
            self._providers[version.name] = SystemName(sys.intern(spec["contract"]["provider"]))
            self._provided.setdefault(self._providers[version.name], set()).add(version.name)
            if phase_of(spec) in IN_FORCE:
                self.services.put(version.name, spec["contract"])
                service, major = service_and_major(version.name)
                self.providers.setdefault(service, {})[major] = self._providers[version.name]
            announcement = read_announcement(spec, status)
            if announcement:
                self._announcements[version.name] = announcement
        elif version.kind == "Grant" and phase_of_grant(status) in ("in-force", "suspended"):
            self._add_grant(_grant(version.name, spec, status))

    def operation(
        self, consumer: str, service: str, major: int, operation: str, now: float
    ) -> tuple[Contract, Operation]:
        """The contract and the operation that a path names, for a consumer that may know of them.

        Raises:
            Refusal: `unknown-service`.
        """
        contract = self.contract(service, major)
        if contract is None or not self.may_know(consumer, service, major, now):
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

    def contract(self, service: str, major: int) -> Contract | None:
        """The contract in force for a service and major version."""
        return self.contracts.get(service_name(service, major))

    def summary(self, service: str, major: int) -> ContractSummary | None:
        """What lists show of a service in force: its contract as it is written, not compiled."""
        version = self.service_in_force(service_name(service, major))
        return self._summary(version) if version else None

    def contract_document(self, service: str, major: int) -> Spec | None:
        """The contract of a service in force, as it was written."""
        version = self.service_in_force(service_name(service, major))
        spec = version.spec if version else None
        return spec["contract"] if spec else None

    def announced(self, service: str, major: int, now: float) -> Announcement | None:
        """What callers of a service are told of its life at a time; None where that is nothing."""
        if not self._announcements:
            return None
        announcement = self._announcements.get(service_name(service, major))
        return announcement.at(now) if announcement else None

    def refuse_suspended(self, contract: Contract, now: float) -> None:
        """A suspended service answers nobody.

        Raises:
            Refusal: `service-suspended`, with reason and expected end.
        """
        announcement = self.announced(contract.service, contract.major, now)
        if announcement and announcement.suspension and announcement.suspension.holds(now):
            raise announcement.suspension.refusal(contract.service, now)

    def may_be_suspended(self, contract: Contract) -> bool:
        """Is a suspension of this service known, past, present or planned?"""
        announcement = self._announcements.get(service_name(contract.service, contract.major))
        return announcement is not None and announcement.suspension is not None

    def may_know(self, consumer: str, service: str, major: int, now: float) -> bool:
        """May a consumer know that a service in force exists? Of an unlisted one only while it holds a grant on it."""
        if self.services.is_listed(service_name(service, major)):
            return True
        return any(grant.in_force(now) for grant in self.held(consumer, service, major))

    def held(self, consumer: str, service: str, major: int) -> Collection[Grant]:
        """The grants that a system holds on a service."""
        return self._held.get((consumer, service, major), _NO_GRANTS).values()

    def projection(self, grant: Grant, operation: str) -> Projection:
        """What a grant lets be seen of an operation's answer."""
        projection = self._projections.get((grant.name, operation))
        if projection is None:
            projection = self._projections[grant.name, operation] = Projection(grant.operations[operation])
        return projection

    def knows_purpose(self, purpose: str) -> bool:
        """Does any grant name this purpose?"""
        return purpose in self._purposes

    def client(self, name: str) -> Client | None:
        """How a system proves who it is."""
        system = self.systems.get(name)
        return system.client if system else None

    def generation(self, name: str) -> Generation:
        """The tokens of a system that count."""
        system = self.systems.get(name)
        return system.tokens if system else FIRST

    def agency_of(self, kind: str, name: str, spec: Mapping[str, Any]) -> frozenset[str]:
        """The agencies whose document this is: its own, the provider's, and for a grant also the consumer's."""
        if kind == "Instance":
            return frozenset()
        if kind == "Agency":
            return frozenset({name})
        if kind == "System":
            return frozenset({spec["agency"]})
        if kind == "Service":
            return self._agencies(str(spec["contract"].get("provider")))
        return self._agencies(self._providers.get(service_name(spec["service"], spec["major"]), SystemName("")))

    def readers_of(self, version: Version) -> frozenset[str]:
        """The agencies whose own a version is for reading it: those of `agency_of`, and for a grant the consumer's."""
        facts = self.index[version.kind].facts.get(version.name)
        if facts is not None and self.versions[version.kind].get(version.name) is version:
            return self._readers(version.kind, version.name, facts)
        spec = version.spec
        if spec is None:
            return frozenset(version.status.get("owners", ()))
        owners = self.agency_of(version.kind, version.name, spec)
        return owners | self.consumer_agency(spec) if version.kind == "Grant" else owners

    def _readers(self, kind: str, name: DocumentName, facts: Facts) -> frozenset[str]:
        """The readers of a document in force, without parsing it."""
        if kind == "Instance":
            return frozenset()
        if kind == "Agency":
            return frozenset({name})
        if kind == "Service":
            return self._agencies(facts.provider)
        if kind == "Grant":
            provider = self._providers.get(DocumentName(facts.contract), SystemName(""))
            return self._agencies(provider) | self._agencies(facts.consumer)
        return frozenset({facts.agency})

    def readers_of_deleted(self, kind: str, name: str) -> frozenset[str] | None:
        """The agencies whose own a deleted document was, as its deletion says; None where nothing was deleted."""
        return self._deleted.get((kind, name))

    def consumer_agency(self, spec: Mapping[str, Any]) -> frozenset[str]:
        """The agency that a grant is for."""
        return self._agencies(str(spec.get("consumer", "")))

    def is_personal(self, spec: Mapping[str, Any]) -> bool:
        """Does a grant show personal data?"""
        contract = self.summary(spec["service"], spec["major"])
        if contract is None:
            return True
        named = (contract.operations.get(operation) for operation in spec.get("operations", {}))
        return any(operation.classification == "personal" for operation in named if operation)

    def user_of(self, kind: str, name: str) -> str:
        """A document that refers to this one, such as `System mot-cua`; empty when none does."""
        systems, services, grants = self.index["System"], self.index["Service"], self.index["Grant"]
        if kind == "Agency":
            return next((f"System {system}" for system in systems.names("agency", name)), "")
        if kind == "System":
            users = (f"Service {service}" for service in services.names("provider", name))
            return next(users, "") or self._grant_in_force(grants.names("consumer", name))
        return self._grant_in_force(grants.names("contract", name)) if kind == "Service" else ""

    def _grant_in_force(self, names: Iterable[DocumentName]) -> str:
        return next((f"Grant {name}" for name in names if name in self.grants), "")

    def open_grant_of(self, consumer: str) -> str:
        """A grant that a system holds or may yet be given; empty when there is none."""
        index = self.index["Grant"]
        named = index.names("consumer", consumer)
        return next((name for name in named if index.facts[name].phase not in ("denied", "revoked")), "")

    def approved_for_less(self, service: str, major: int, operations: Collection[str]) -> str:
        """A grant in force that names one of some operations and is not approved for personal data; empty when there is none."""
        for name in self.index["Grant"].names("contract", service_name(service, major)):
            grant = self.grants.get(name)
            unapproved = grant and not grant.shows_personal and grant.suspended is None
            if grant and unapproved and grant.operations.keys() & operations:
                return grant.name
        return ""

    def _agencies(self, system: str) -> frozenset[str]:
        found = self.systems.get(system)
        return frozenset({found.agency}) if found else frozenset()

    def service_in_force(self, name: DocumentName) -> Version | None:
        """The document of a service in force."""
        return self.versions["Service"].get(name) if name in self.services else None

    def _add_grant(self, grant: Grant) -> None:
        self.grants[grant.name] = grant
        self._held.setdefault((grant.consumer, grant.service, grant.major), {})[grant.name] = grant
        for purpose in grant.purposes:
            self._purposes[purpose] = self._purposes.get(purpose, 0) + 1

    def _forget(self, kind: str, name: DocumentName) -> None:
        self.unreadable.pop((kind, name), None)
        if kind == "Instance":
            self.instance = None
        elif kind == "Agency":
            self.agencies.pop(name, None)
        elif kind == "System":
            self.systems.pop(name, None)
        elif kind == "Service":
            self.contracts.forget(name)
            self.services.remove(name)
            if name in self._providers:
                self._provided[self._providers.pop(name)].discard(name)
            service, major = service_and_major(name)
            self.providers.get(service, {}).pop(major, None)
            if not self.providers.get(service, True):
                del self.providers[service]
            self._announcements.pop(name, None)
        elif name in self.grants:
            grant = self.grants.pop(name)
            del self._held[grant.consumer, grant.service, grant.major][name]
            for operation in grant.operations:
                self._projections.pop((name, operation), None)
            for purpose in grant.purposes:
                self._purposes[purpose] -= 1
                if not self._purposes[purpose]:
                    del self._purposes[purpose]


def _summary(version: Version) -> ContractSummary:
    spec = version.spec or {}
    return ContractSummary.from_document(spec["contract"])


def _system(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> System:
    generation = token_life.generation_of(status)
    client = Client(name, tuple(spec.get("jwks", ())), spec.get("secretSha256", ""), generation.number)
    return System(name, spec["agency"], Text(**spec["title"]), frozenset(spec.get("roles", ())), client, generation)


def _grant(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Grant:
    # Grants repeat each other's words; interned, 100,000 of them share one copy of each.
    return Grant(
        name=name,
        consumer=sys.intern(spec["consumer"]),
        service=sys.intern(spec["service"]),
        major=spec["major"],
        operations={
            sys.intern(operation): tuple(map(sys.intern, content["fields"]))
            for operation, content in spec["operations"].items()
        },
        purposes=frozenset(map(sys.intern, spec["purposes"])),
        legal_basis=sys.intern(spec["legalBasis"]),
        valid_from=_day(spec["validFrom"]).timestamp(),
        valid_until=_day(spec["validUntil"]).timestamp() + _DAY_SECONDS,  # of a day that may be the last there is
        quota=Quota(int(spec["quota"]["requests"]), _SECONDS[spec["quota"]["per"]]),  # JSON may write it 10.0
        daily=int(spec["quota"].get("daily", 0)),
        sender_constrained=spec.get("senderConstrained", False),
        on_behalf_of=spec.get("onBehalfOf", ""),
        suspended=_suspended(status),
        shows_personal=Approvals.of(status).suffice(),
    )


def _suspended(status: Mapping[str, Any]) -> tuple[str, str] | None:
    if phase_of_grant(status) != "suspended":
        return None
    return str(status.get("reason", "")), str(status.get("until", ""))


_DAY_SECONDS = 86400


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
