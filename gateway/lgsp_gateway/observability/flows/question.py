"""What somebody asks of the flows: a period, which flows, and how they are put together. Equal questions share one answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lgsp_contracts.field_names import unaccented
from lgsp_gateway.evidence.search.flow_counts import Clause, Parties
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text

OPERATION, SERVICE, AGENCY, AUTOMATIC = GROUPS = ("operation", "service", "agency", "auto")
"""How flows are put together: one for each operation; one for each service between two systems; one for each two agencies; or of
the last two the one that can be read at a glance."""

READABLE_PARTIES = 70
"""Systems and services together, up to which `auto` shows these rather than agencies."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Empty texts leave out no flow.

    Args:
        window: a key of `models.WINDOWS`.
        group: one of `GROUPS`.
        words: of names and titles; each must occur in a party of the flow: a system, its agency, or the service. One that is
            the whole name of a system or a service finds that alone.
        agency: of the consumer or of the provider.
        visible_agency: the agency whose flows alone the caller may see; None where the caller may see all.
        unwell: leave out healthy flows.
        top: how many flows are listed, unwell ones first; None for all.
    """

    window: str
    group: str = OPERATION
    words: str = ""
    agency: str = ""
    consumer: str = ""
    provider: str = ""
    service: str = ""
    kind: str = ""
    visible_agency: str | None = None
    unwell: bool = False
    top: int | None = None

    def clauses(self, registry: RegistrySnapshot, titles: Mapping[str, Text], flows: Iterable[Parties]) -> list[Clause]:
        """Return the conditions that a flow must fulfil.

        Args:
            registry: tells systems and agencies.
            titles: of services.
            flows: among which is searched.
        """
        named = {name: getattr(self, name) for name in ("consumer", "provider", "service", "kind")}
        clauses: list[Clause] = [{column: frozenset((name,))} for column, name in named.items() if name]
        if self.visible_agency is not None:
            clauses.append(_of_agency(registry, self.visible_agency))
        if self.agency:
            clauses.append(_of_agency(registry, self.agency))
        words = unaccented(self.words).casefold().split()
        return [*clauses, *_containing(registry, titles, flows, words)] if words else clauses


def _of_agency(registry: RegistrySnapshot, agency: str) -> Clause:
    systems = frozenset(name for name, system in registry.systems.items() if system.agency == agency)
    return {"consumer": systems, "provider": systems}


def _containing(
    registry: RegistrySnapshot, titles: Mapping[str, Text], flows: Iterable[Parties], words: list[str]
) -> list[Clause]:
    systems, services = set(), set()
    for flow in flows:
        systems |= {flow.consumer, flow.provider}
        services.add(flow.service)
    texts = {name: _searchable(name, *_texts_of_system(registry, name)) for name in systems}
    service_texts = {name: _searchable(name, *_in_both_languages(titles.get(name))) for name in services}
    clauses: list[Clause] = []
    for word in words:
        if word in texts or word in service_texts:  # a whole name means that one alone, not those that begin with it
            found, found_services = texts.keys() & {word}, service_texts.keys() & {word}
        else:
            found = {name for name, text in texts.items() if word in text}
            found_services = {name for name, text in service_texts.items() if word in text}
        found_systems = frozenset(found)
        clauses.append({"consumer": found_systems, "provider": found_systems, "service": frozenset(found_services)})
    return clauses


def _texts_of_system(registry: RegistrySnapshot, name: str) -> tuple[str, ...]:
    system = registry.systems.get(name)
    if system is None:
        return ()
    agency = _in_both_languages(registry.agencies.get(system.agency))
    return (*_in_both_languages(system.title), system.agency, *agency)


def _in_both_languages(title: Text | None) -> tuple[str, ...]:
    return (title.vi, title.en) if title else ()


def _searchable(*texts: str) -> str:
    return unaccented(" ".join(texts)).casefold()
