"""What lists and searches of services ask, without parsing or compiling a contract."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from lgsp_contracts.names import DocumentName
from lgsp_contracts.summary import ContractSummary


@dataclass(frozen=True, slots=True)
class IndexedService:
    """A service in force. `text` is what a search for words looks at, as UTF-8."""

    listed: bool
    text: bytes
    operations: tuple[str, ...]
    outcomes: tuple[str, ...]


class ServiceIndex:
    """The services in force."""

    def __init__(self) -> None:
        self._services: dict[DocumentName, IndexedService] = {}
        self._majors: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()

    def __contains__(self, name: DocumentName) -> bool:
        return name in self._services

    def __iter__(self) -> Iterator[DocumentName]:
        return iter(self._services)

    def put(self, name: DocumentName, contract: Mapping[str, Any]) -> None:
        """Take in a service by its contract's document.

        Raises:
            KeyError, TypeError, ValueError: it is no contract.
        """
        summary = ContractSummary.from_document(contract)
        found = IndexedService(
            summary.listed,
            summary.searched_text().encode(),
            tuple(map(intern, summary.operations)),
            tuple({intern(code) for content in contract["operations"].values() for code in content.get("errors", ())}),
        )
        self._services[name] = found
        self._majors[name.rpartition("-v")[0]] += 1
        self._operations.update(found.operations)
        self._outcomes.update(found.outcomes)

    def remove(self, name: DocumentName) -> None:
        """Forget a service, where it was known."""
        found = self._services.pop(name, None)
        if found is not None:
            _subtract(self._majors, [name.rpartition("-v")[0]])
            _subtract(self._operations, found.operations)
            _subtract(self._outcomes, found.outcomes)

    def is_listed(self, name: DocumentName) -> bool:
        """May everybody know of this service?"""
        found = self._services.get(name)
        return found is not None and found.listed

    def holds(self, name: DocumentName, words: Sequence[bytes]) -> bool:
        """Does each of some words stand in what a service says of itself?

        Args:
            words: case-folded, as UTF-8.
        """
        found = self._services.get(name)
        return found is not None and all(word in found.text for word in words)

    def names(self) -> set[str]:
        """The names of all services, without their versions."""
        return set(self._majors)

    def has_service(self, name: str) -> bool:
        """Is there a service of this name, in whichever version?"""
        return name in self._majors

    def has_operation(self, name: str) -> bool:
        """Has any service an operation of this name?"""
        return name in self._operations

    def has_outcome(self, code: str) -> bool:
        """Does any service declare an error of this code?"""
        return code in self._outcomes


def _subtract(counter: Counter[str], keys: Sequence[str]) -> None:
    for key in keys:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]
