"""Drift: which documents say something else than the files that they were last applied from, and which no file knows."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lgsp_auth import roles
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry import ownership
from lgsp_gateway.registry.applied import digest_of
from lgsp_gateway.registry.document_pages import SEEN_AT_A_TURN, Reader
from lgsp_gateway.registry.documents import KINDS, DocumentVersion
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.pacing import Pace

State = Literal["changed", "deleted", "unmanaged", "in-step"]
STATES: tuple[State, ...] = ("changed", "deleted", "unmanaged", "in-step")
DRIFTED: tuple[State, ...] = ("changed", "deleted")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document stands to the files.

    Args:
        version: the newest one; of a deleted document the deletion.
        manifest_set: that it was last applied from; empty for none.
        applied_revision: of the version that was applied; 0 for none.
    """

    version: DocumentVersion
    state: State
    manifest_set: str
    applied_revision: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents are looked for.

    Args:
        manifest_set: only of this set; empty for all.
        kind: only of this kind; empty for all.
    """

    states: tuple[State, ...] = DRIFTED
    manifest_set: str = ""
    kind: str = ""


async def read_page(
    registry: RegistrySnapshot, reader: Reader, wanted: Wanted, after: tuple[str, str], limit: int
) -> tuple[list[Standing], bool]:
    """Find a page of documents by how they stand to the files, in the order of kinds and names.

    Args:
        after: kind and name of the last document of the page before; two empty texts for the first page.

    Returns:
        The documents that the reader may read, and whether more follow.
    """
    page: list[Standing] = []
    pace = Pace(SEEN_AT_A_TURN)
    for kind in KINDS[KINDS.index(after[0]) if after[0] else 0 :]:
        if wanted.kind not in ("", kind):
            continue
        for name in _names(registry, kind, after[1] if kind == after[0] else ""):
            await pace.spend()
            standing = standing_of(registry, kind, name)
            if standing is None or not _fits(standing, wanted) or not _may_read(registry, reader, standing.version):
                continue
            if len(page) == limit:
                return page, True
            page.append(standing)
    return page, False


def standing_of(registry: RegistrySnapshot, kind: str, name: DocumentName) -> Standing | None:
    """Return how a document stands to the files; None where it is deleted, and no file that was applied has known it."""
    mark, version = registry.applied.get((kind, name)), registry.versions[kind].get(name)
    if mark is None:
        return None if version is None else Standing(version, "unmanaged", "", 0)
    if version is None:
        return Standing(registry.deletions[kind, name], "deleted", mark.manifest_set, mark.revision)
    in_step = version.revision == mark.revision or digest_of(version.spec or {}) == mark.digest
    return Standing(version, "in-step" if in_step else "changed", mark.manifest_set, mark.revision)


def _names(registry: RegistrySnapshot, kind: str, after: str) -> Iterator[DocumentName]:
    """Yield the names of a kind in order, with those of documents that were applied from files and deleted since."""
    deleted = sorted(name for of, name in registry.deletions if of == kind and name > after)
    yield from heapq.merge(registry.index[kind].names(after=after), deleted)


def _fits(standing: Standing, wanted: Wanted) -> bool:
    return standing.state in wanted.states and wanted.manifest_set in ("", standing.manifest_set)


def _may_read(registry: RegistrySnapshot, reader: Reader, version: DocumentVersion) -> bool:
    owners = ownership.readers_of(version, registry)
    return roles.allowed(reader.roles, reader.agency, version.kind, "read", owners)
