"""Services by what calls, lists and searches ask of them, without parsing or compiling a contract."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from lgsp_contracts.names import DocumentName, EventName, Major, ServiceName, SystemName
from lgsp_contracts.summary import ContractSummary
from lgsp_gateway.registry.documents import service_and_major, service_name
from lgsp_gateway.registry.lifecycle.announcements import Announcement, read_announcement
from lgsp_gateway.registry.lifecycle.contracts import IN_FORCE, phase_of


@dataclass(frozen=True, slots=True)
class IndexedService:
    """A service in force. `text` is what a search for words looks at, as UTF-8."""

    listed: bool
    text: bytes
    operations: tuple[str, ...]
    events: tuple[str, ...]
    outcomes: tuple[str, ...]


class ServiceIndex:
    """The services in force, and what is known of the others: their providers and their names."""

    def __init__(self) -> None:
        self.announcements: dict[DocumentName, Announcement] = {}
        self.providers: dict[ServiceName, dict[Major, SystemName]] = {}
        """The provider of each service in force, by its major version."""
        self._documents: dict[str, set[DocumentName]] = {}
        self._providers: dict[DocumentName, SystemName] = {}
        self._provided: dict[SystemName, set[DocumentName]] = {}
        self._services: dict[DocumentName, IndexedService] = {}
        self._majors: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()

    def __contains__(self, name: DocumentName) -> bool:
        return name in self._services

    def __iter__(self) -> Iterator[DocumentName]:
        return iter(self._services)

    def put(self, name: DocumentName, spec: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """Take in a Service document.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        provider = self._providers[name] = SystemName(intern(spec["contract"]["provider"]))
        self._provided.setdefault(provider, set()).add(name)
        if phase_of(spec) in IN_FORCE:
            self._put_in_force(name, spec["contract"])
            service, major = service_and_major(name)
            self.providers.setdefault(service, {})[major] = provider
        announcement = read_announcement(spec, status)
        if announcement:
            self.announcements[name] = announcement

    def _put_in_force(self, name: DocumentName, contract: Mapping[str, Any]) -> None:
        summary, operations = ContractSummary.from_document(contract), contract.get("operations", {})
        service = IndexedService(
            summary.listed,
            summary.searched_text().encode(),
            tuple(map(intern, summary.operations)),
            tuple(map(intern, summary.events)),
            tuple({intern(code) for content in operations.values() for code in content.get("errors", ())}),
        )
        self._services[name] = service
        self._majors[name.rpartition("-v")[0]] += 1
        self._operations.update(service.operations)
        self._events.update(service.events)
        self._outcomes.update(service.outcomes)

    def remove(self, name: DocumentName) -> None:
        """Forget a service, where it was known."""
        self.announcements.pop(name, None)
        provider = self._providers.pop(name, None)
        if provider is not None:
            self._provided[provider].discard(name)
        removed = self._services.pop(name, None)
        if removed is None:
            return
        _subtract(self._majors, [name.rpartition("-v")[0]])
        _subtract(self._operations, removed.operations)
        _subtract(self._events, removed.events)
        _subtract(self._outcomes, removed.outcomes)
        service, major = service_and_major(name)
        self.providers.get(service, {}).pop(major, None)
        if not self.providers.get(service, True):
            del self.providers[service]

    def remember_name(self, name: DocumentName) -> None:
        """Note that there is, or was, a document of this name."""
        self._documents.setdefault(name.rpartition("-v")[0], set()).add(name)

    def documents_of(self, service: str) -> set[DocumentName]:
        """Return the names of all documents of a service there ever were, deleted ones too."""
        return self._documents.get(service, set())

    def provider_of(self, name: DocumentName) -> SystemName | None:
        """Return the system that provides a service, in force or not; None where there is no such service."""
        return self._providers.get(name)

    def provided_by(self, system: SystemName) -> list[tuple[ServiceName, Major]]:
        """Return the services in force of which a system is the provider. A draft or what is retired gives no right to anything."""
        return sorted(service_and_major(name) for name in self._provided.get(system, ()) if name in self._services)

    def events_of(self, service: ServiceName, major: Major) -> Sequence[EventName]:
        """Return the names of the events of a service in force; none where it is not."""
        indexed = self._services.get(service_name(service, major))
        return [EventName(event) for event in indexed.events] if indexed else []

    def is_listed(self, name: DocumentName) -> bool:
        """May everybody know of this service?"""
        service = self._services.get(name)
        return service is not None and service.listed

    def holds(self, name: DocumentName, words: Sequence[bytes]) -> bool:
        """Tell whether a service's own description contains each of some words.

        Args:
            words: case-folded, as UTF-8.
        """
        service = self._services.get(name)
        return service is not None and all(word in service.text for word in words)

    def names(self) -> set[str]:
        """Return the names of all services, without their versions."""
        return set(self._majors)

    def with_operations(self) -> set[str]:
        """Return the names of the services that answer calls, without their versions; the others announce events alone."""
        return {name.rpartition("-v")[0] for name, service in self._services.items() if service.operations}

    def has_service(self, name: str) -> bool:
        """Tell whether there is a service of this name, in any version."""
        return name in self._majors

    def has_operation(self, name: str) -> bool:
        """Tell whether any service has an operation of this name."""
        return name in self._operations

    def has_event(self, name: str) -> bool:
        """Tell whether any service has an event of this name."""
        return name in self._events

    def has_outcome(self, code: str) -> bool:
        """Tell whether any service declares an error of this code."""
        return code in self._outcomes


def _subtract(counter: Counter[str], keys: Sequence[str]) -> None:
    for key in keys:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]
