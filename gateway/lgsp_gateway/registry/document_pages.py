"""Pages of the documents that somebody may read, found in the indexes: what is on the page is parsed by whoever shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from lgsp_auth import roles
from lgsp_gateway.registry import ownership
from lgsp_gateway.registry.document_index import LISTED_BY, Facts
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.full_names import find_system
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.pacing import Pace

SEEN_AT_A_TURN = 500
"""Documents of an index that are looked at before others have a turn: half a millisecond."""

MAX_PAGE_BYTES = 1024 * 1024
"""Of documents on a page; one that is larger has a page of its own."""


class Reader(Protocol):
    """Who reads: its roles on the bus, and its agency."""

    @property
    def roles(self) -> frozenset[str]: ...

    @property
    def agency(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents are looked for.

    Args:
        facts: by the name of a fact that is in `LISTED_BY`, its value.
        ends_from, ends_until: only grants in force whose last day lies between these days (ISO 8601), both included.
    """

    facts: Mapping[str, str]
    ends_from: str = ""
    ends_until: str = ""

    def fits(self, facts: Facts) -> bool:
        """Tell whether a document matches the filter."""
        if not all(getattr(facts, fact) == value for fact, value in self.facts.items()):
            return False
        if not self.ends_until:
            return True
        return facts.phase == "in-force" and self.ends_from <= facts.until <= self.ends_until


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Documents in the order of their names, and whether more follow."""

    versions: list[DocumentVersion]
    more: bool


async def read_page(
    registry: RegistrySnapshot, reader: Reader, kind: str, wanted: Wanted, after: str, limit: int
) -> DocumentPage:
    """Find a page of documents of a kind.

    Args:
        reader: whose roles read documents of this kind, be it their agency's alone.
        after: only documents whose names come after this one.
        limit: how many; fewer where they are large.

    Raises:
        Refusal: `malformed`, for a consumer's full name of another instance.
    """
    if consumer := wanted.facts.get("consumer"):
        system = find_system(consumer, registry)
        if system is None:
            return DocumentPage([], more=False)
        wanted = replace(wanted, facts={**wanted.facts, "consumer": system})
    index, versions = registry.index[kind], registry.versions[kind]
    listed_by = next((fact for fact in reversed(LISTED_BY) if fact in wanted.facts), "")
    page: list[DocumentVersion] = []
    size, pace = 0, Pace(SEEN_AT_A_TURN)
    for name in index.names(listed_by, wanted.facts.get(listed_by, ""), after=after):
        await pace.spend()
        facts, version = index.facts.get(name), versions.get(name)
        if facts is None or version is None or not wanted.fits(facts):
            continue
        if not roles.allowed(reader.roles, reader.agency, kind, "read", ownership.readers_of(version, registry)):
            continue
        if len(page) == limit or (page and size + len(version.data) > MAX_PAGE_BYTES):
            return DocumentPage(page, more=True)
        page.append(version)
        size += len(version.data)
    return DocumentPage(page, more=False)
