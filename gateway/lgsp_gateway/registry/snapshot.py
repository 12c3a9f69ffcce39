"""What a call asks of the registry, held in memory and indexed.

A document arrives here after it was checked and stored, so it is taken as it is. One that cannot be indexed all the same (written
by a later version of the bus, say) is not in force, and stops no other. It is parsed once, as it arrives; requests read the indexes.
"""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import structlog

from lgsp_auth.client_authentication import Client
from lgsp_auth.identity import FIRST, Generation
from lgsp_auth.policy import CallDenied, Grant, unknown_service
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.event import Event
from lgsp_contracts.file_references import parse_size
from lgsp_contracts.names import DocumentName
from lgsp_contracts.summary import ContractSummary
from lgsp_gateway.registry.applied import Applied
from lgsp_gateway.registry.contract_cache import ContractCache
from lgsp_gateway.registry.document_index import DocumentIndex, facts_of
from lgsp_gateway.registry.documents import KINDS, DocumentSpec, DocumentVersion, service_name
from lgsp_gateway.registry.form_systems import form_system, form_system_name
from lgsp_gateway.registry.grant_index import GrantIndex
from lgsp_gateway.registry.inactive_grants import InactiveGrants
from lgsp_gateway.registry.indexed_documents import System, read_grant, read_system
from lgsp_gateway.registry.instance import Instance, read_instance
from lgsp_gateway.registry.lifecycle.announcements import Announcement
from lgsp_gateway.registry.lifecycle.grants import phase_of as phase_of_grant
from lgsp_gateway.registry.persons import Person, read_person
from lgsp_gateway.registry.purposes import Purpose, read_purpose
from lgsp_gateway.registry.service_index import ServiceIndex
from lgsp_problems import Text
from lgsp_runtime.error_frames import frames

MAX_SUMMARIES = 1_000
"""Contracts whose titles are remembered after somebody read them."""

_NOTHING: Mapping[str, str] = {}
_NO_GRANTS: Mapping[str, Grant] = {}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

Holding = tuple[str, str, int]
"""Consumer, service, major."""


class RegistrySnapshot:
    """The registry of one gateway, as of `revision`."""

    def __init__(self) -> None:
        self.revision = 0
        self.instance: Instance | None = None
        self.agencies: dict[str, Text] = {}
        self.storage_quotas: dict[str, int] = {}
        """In bytes, of the agencies that have one of their own."""
        self.purposes: dict[str, Purpose] = {}
        self.systems: dict[str, System] = {}
        self.form_systems: dict[str, System] = {}
        """The form system of each agency. Apart from the systems, so that no token and no connection is one's."""
        self.persons: dict[str, Person] = {}
        self.grants = GrantIndex()
        self.inactive_grants = InactiveGrants()
        self.versions: dict[str, dict[DocumentName, DocumentVersion]] = {kind: {} for kind in KINDS}
        self._deleted: dict[tuple[str, str], frozenset[str]] = {}
        self.applied: dict[tuple[str, DocumentName], Applied] = {}
        """How documents were last applied from files, also of those that were deleted since."""
        self.deletions: dict[tuple[str, DocumentName], DocumentVersion] = {}
        """Of the documents that were applied from files, and deleted since."""
        self.unreadable: dict[tuple[str, DocumentName], Exception] = {}
        """Documents that are not in force, since they could not be indexed, and why."""
        self.index: dict[str, DocumentIndex] = {kind: DocumentIndex() for kind in KINDS}
        self.services = ServiceIndex()
        self.contracts = ContractCache(self.service_in_force)
        self._summary = lru_cache(MAX_SUMMARIES)(_summary)
        self._listeners: list[Callable[[str, str], None]] = []

    def apply(self, version: DocumentVersion) -> None:
        """Take a new version of a document into force. An older one than what is known changes nothing."""
        known = self.versions.get(version.kind)
        self.revision = max(self.revision, version.revision)
        if known is None or (version.name in known and known[version.name].revision >= version.revision):
            return
        self._forget(version.kind, version.name)
        spec, status = version.spec_and_status()
        self._note_applied(version, is_deleted=spec is None)
        if version.kind == "Service":
            self.services.remember_name(version.name)
        if spec is None:
            known.pop(version.name, None)
            self.index[version.kind].remove(version.name)
            self._deleted[version.kind, version.name] = frozenset(status.get("owners", ()))
        else:
            known[version.name] = version
            self._index_if_readable(version, spec, status)
        for listener in tuple(self._listeners):
            listener(version.kind, version.name)

    def _note_applied(self, version: DocumentVersion, *, is_deleted: bool) -> None:
        key, mark = (version.kind, version.name), version.applied
        self.applied.pop(key, None)
        self.deletions.pop(key, None)
        if mark is None:
            return
        self.applied[key] = mark
        if is_deleted:
            self.deletions[key] = version

    @classmethod
    def indexing_error_of(cls, version: DocumentVersion) -> Exception | None:
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

    def remove_listener(self, listener: Callable[[str, str], None]) -> None:
        """Stop telling a listener."""
        self._listeners.remove(listener)

    def _index_if_readable(self, version: DocumentVersion, spec: Mapping[str, Any], status: DocumentSpec) -> None:
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

    def _index(self, version: DocumentVersion, spec: Mapping[str, Any], status: DocumentSpec) -> None:
        if version.kind == "Instance":
            self.instance = read_instance(spec)
        elif version.kind == "Agency":
            title = self.agencies[version.name] = Text(**spec["title"])
            self.form_systems[form_system_name(version.name)] = form_system(version.name, title)
            if "storage" in spec:
                self.storage_quotas[version.name] = parse_size(spec["storage"])
        elif version.kind == "Purpose":
            self.purposes[version.name] = read_purpose(spec)
        elif version.kind == "System":
            self.systems[version.name] = read_system(version.name, spec, status)
        elif version.kind == "Person":
            self.persons[version.name] = read_person(version.name, spec, status)
        elif version.kind == "Service":
            self.services.put(version.name, spec, status)
        elif version.kind == "Grant" and phase_of_grant(status) in ("in-force", "suspended"):
            self.grants.put(read_grant(version.name, spec, status))
        elif version.kind == "Grant":
            self.inactive_grants.put(version.name, spec, status, version.at)

    def operation(
        self, consumer: str, service: str, major: int, operation: str, now: float
    ) -> tuple[Contract, Operation]:
        """Return the contract and the operation that a path names, for a consumer that may know of them.

        Raises:
            Refusal: `unknown-service`.
        """
        contract = self.contract(service, major)
        if contract is None or not self.may_know(consumer, service, major, now):
            raise unknown_service(service, major)
        declared = contract.operations.get(operation)
        if declared is None:
            known = ", ".join(contract.operations)
            raise CallDenied(
                "unknown-service",
                vi=f"Dịch vụ {service} v{major} không có thao tác này; các thao tác của nó: {known}.",
                en=f"Service {service} v{major} has no such operation; it has: {known}.",
            )
        return contract, declared

    def event(self, consumer: str, service: str, major: int, event: str, now: float) -> tuple[Contract, Event]:
        """Return the contract and the event that a path names, for a system that may know of them.

        Raises:
            Refusal: `unknown-service`.
        """
        contract = self.contract(service, major)
        if contract is None or not (consumer == contract.provider or self.may_know(consumer, service, major, now)):
            raise unknown_service(service, major)
        declared = contract.events.get(event)
        if declared is None:
            known = ", ".join(contract.events) or "-"
            raise CallDenied(
                "unknown-service",
                vi=f"Dịch vụ {service} v{major} không có sự kiện này; các sự kiện của nó: {known}.",
                en=f"Service {service} v{major} has no such event; it has: {known}.",
            )
        return contract, declared

    def contract(self, service: str, major: int) -> Contract | None:
        """Return the contract in force for a service and major version."""
        return self.contracts.get(service_name(service, major))

    def summary(self, service: str, major: int) -> ContractSummary | None:
        """Return what lists show of a service in force: its contract as it is written, not compiled."""
        version = self.service_in_force(service_name(service, major))
        return self._summary(version) if version else None

    def contract_document(self, service: str, major: int) -> DocumentSpec | None:
        """Return the contract of a service in force, as it was written."""
        version = self.service_in_force(service_name(service, major))
        spec = version.spec if version else None
        return spec["contract"] if spec else None

    def announced(self, service: str, major: int, now: float) -> Announcement | None:
        """Return what callers of a service are told of its life at a time; None where that is nothing."""
        if not self.services.announcements:
            return None
        announcement = self.services.announcements.get(service_name(service, major))
        return announcement.at(now) if announcement else None

    def refuse_suspended(self, contract: Contract, now: float) -> None:
        """Refuse every call of a suspended service.

        Raises:
            Refusal: `service-suspended`, with reason and expected end.
        """
        announcement = self.announced(contract.service, contract.major, now)
        if announcement and announcement.suspension and announcement.suspension.holds(now):
            raise announcement.suspension.refusal(contract.service, now)

    def may_be_suspended(self, contract: Contract) -> bool:
        """Tell whether the registry knows a suspension of this service, past, present or planned."""
        announcement = self.services.announcements.get(service_name(contract.service, contract.major))
        return announcement is not None and announcement.suspension is not None

    def may_know(self, consumer: str, service: str, major: int, now: float) -> bool:
        """May a consumer know that a service in force exists? Of an unlisted one only while it holds a grant on it."""
        if self.services.is_listed(service_name(service, major)):
            return True
        return any(grant.in_force(now) for grant in self.grants_held(consumer, service, major))

    def consumer(self, name: str) -> System | None:
        """Return a system that may hold grants: a registered one, or the form system of an agency; None where there is none."""
        return self.systems.get(name) or self.form_systems.get(name)

    def grants_held(self, consumer: str, service: str, major: int) -> Collection[Grant]:
        """Return the grants that a system holds on a service."""
        return self.grants.grants_held(consumer, service, major)

    def knows_purpose(self, purpose: str) -> bool:
        """Tell whether any grant names this purpose."""
        return self.grants.knows_purpose(purpose)

    def purpose_title(self, code: str) -> Text:
        """Return what a purpose is called; its code, where no document says so."""
        known = self.purposes.get(code)
        return known.title if known else Text(code, code)

    def client(self, name: str) -> Client | None:
        """Return how a system authenticates itself: its keys and the digest of its secret."""
        system = self.systems.get(name)
        return system.client if system else None

    def generation(self, name: str) -> Generation:
        """Return the generation of the tokens of a system that are valid."""
        system = self.systems.get(name)
        return system.tokens if system else FIRST

    def readers_of_deleted(self, kind: str, name: str) -> frozenset[str] | None:
        """Return the agencies whose own a deleted document was, as its deletion says; None where nothing was deleted."""
        return self._deleted.get((kind, name))

    def service_in_force(self, name: DocumentName) -> DocumentVersion | None:
        """Return the document of a service in force."""
        return self.versions["Service"].get(name) if name in self.services else None

    def _forget(self, kind: str, name: DocumentName) -> None:
        self.unreadable.pop((kind, name), None)
        if kind == "Instance":
            self.instance = None
        elif kind == "Agency":
            self.agencies.pop(name, None)
            self.form_systems.pop(form_system_name(name), None)
            self.storage_quotas.pop(name, None)
        elif kind == "Purpose":
            self.purposes.pop(name, None)
        elif kind == "System":
            self.systems.pop(name, None)
        elif kind == "Person":
            self.persons.pop(name, None)
        elif kind == "Service":
            self.contracts.forget(name)
            self.services.remove(name)
        else:
            self.grants.remove(name)
            self.inactive_grants.remove(name)


def _summary(version: DocumentVersion) -> ContractSummary:
    spec = version.spec or {}
    return ContractSummary.from_document(spec["contract"])
