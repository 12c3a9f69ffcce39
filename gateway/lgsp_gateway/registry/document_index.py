"""Lists of documents by what they are looked for by, kept sorted, so that a page of them is read without parsing a document.

Parsing 100,000 grants takes half a second in which a gateway answers nobody; here a page is found by bisection.
"""

import sys
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentSpec, service_and_major, service_name


class Facts(NamedTuple):
    """What is known of a document without parsing it; empty where its kind has no such thing.

    Args:
        agency: of a system or a person.
        provider: the system that provides a service.
        service: of a service and of a grant on it, without the version.
        contract: the name of the Service document that a grant is for.
        consumer: the system that holds a grant.
        until: the last day of a grant, `YYYY-MM-DD`.
        phase: of a grant's life.
        renews: the grant that a grant succeeds.
    """

    agency: str = ""
    provider: str = ""
    service: str = ""
    contract: str = ""
    consumer: str = ""
    until: str = ""
    phase: str = ""
    renews: str = ""


LISTED_BY = ("agency", "provider", "service", "contract", "consumer")
"""Facts by which there are lists."""

_ALL = ("", "")


def facts_of(kind: str, name: DocumentName, spec: Mapping[str, Any], status: DocumentSpec) -> Facts:
    """Read a document's facts. One that a later version of the bus wrote may lack some."""
    if kind == "Service":
        contract = spec.get("contract")
        provider = contract.get("provider", "") if isinstance(contract, Mapping) else ""
        return Facts(provider=_text(provider), service=_text(service_and_major(name)[0]))
    if kind == "Grant":
        service, phase = _text(spec.get("service")), _text(status.get("phase", "in-force"))
        contract_name = sys.intern(service_name(service, spec.get("major", 0)))
        return Facts(
            service=service,
            contract=contract_name,
            consumer=_text(spec.get("consumer")),
            until=_text(spec.get("validUntil")),
            phase=phase,
            renews=_text(status.get("renews")),
        )
    return Facts(agency=_text(spec.get("agency")))


class DocumentIndex:
    """The documents of one kind."""

    def __init__(self) -> None:
        self.facts: dict[DocumentName, Facts] = {}
        self._names: dict[tuple[str, str], list[DocumentName]] = {}

    def put(self, name: DocumentName, facts: Facts) -> None:
        """Take a document in, in place of what was known under its name."""
        before = self.facts.get(name)
        if before == facts:
            return
        if before is not None:
            self.remove(name)
        self.facts[name] = facts
        for key in _keys(facts):
            insort(self._names.setdefault(key, []), name)

    def remove(self, name: DocumentName) -> None:
        """Forget a document."""
        facts = self.facts.pop(name, None)
        if facts is None:
            return
        for key in _keys(facts):
            names = self._names[key]
            del names[bisect_left(names, name)]
            if not names:
                del self._names[key]

    def names(self, fact: str = "", value: str = "", *, after: str = "") -> Iterator[DocumentName]:
        """Return the names of documents, in order.

        While others change the index the next name is still the next one.

        Args:
            fact, value: only those with this value of a fact that is in `LISTED_BY`.
            after: only names that come after this one.
        """
        while names := self._names.get((fact, value)):
            number = bisect_right(names, after)
            if number == len(names):
                return
            # A slice at a time: others may change the list between two names.
            for name in names[number : number + 100]:
                yield name
                after = name


def _keys(facts: Facts) -> list[tuple[str, str]]:
    return [_ALL, *((fact, value) for fact in LISTED_BY if (value := getattr(facts, fact)))]


def _text(value: Any) -> str:
    return sys.intern(value) if type(value) is str else ""
