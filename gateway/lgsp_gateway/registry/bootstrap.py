"""Fills an empty registry from folders of documents and contracts, once, however often that is interrupted.

Afterwards the registry has a life of its own, and the folders are not looked at again. What tells the two apart is a mark among
the documents: `begun` before the first of them, `done` after the last. A fill that was killed in between is continued at the next
start, as the folders are then. Two gateways that start together both fill; the store lets each document in once.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsp_contracts import catalog as catalogs
from lgsp_contracts import documents, names
from lgsp_contracts.contract import Contract
from lgsp_contracts.names import DocumentName
from lgsp_contracts.source_location import SourceLocation
from lgsp_gateway.registry import document_rules
from lgsp_gateway.registry.documents import KINDS, DocumentSpec, DocumentVersion, from_contract, is_same_json
from lgsp_gateway.registry.full_names import with_bare_names
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_problems import Refusal, RevisionConflict

AUTHOR = "bootstrap"

MARK = ("Registry", DocumentName("first-fill"))
"""Kind and name of the mark. It is no document of the registry: no kind of them is called so."""

_Documents = dict[tuple[str, DocumentName], DocumentVersion]


async def fill(store: DocumentStore, folder: Path, catalog: Path | None) -> None:
    """Store what folders hold, unless that was done before. Every document is checked before any is stored.

    Args:
        catalog: the contracts that are published; None for those that come with lgsp, about which two validators are known to agree.

    Raises:
        Refusal: `invalid-document` or `contract-ambiguous`, naming file and place, when nothing was stored; `bus-unavailable`, when a part
            was, and the next start continues.
    """
    mark = await store.latest(*MARK)
    if mark is not None and _phase(mark) == "done":
        return
    known: _Documents = {}
    async for version in store.read(0, only_latest=True):
        if version.kind in KINDS:
            known[version.kind, version.name] = version
    before_marks = mark is None and bool(known)
    if not (before_marks and _is_in_use(known)):
        wanted = await asyncio.to_thread(_read, folder, catalog or catalogs.shipped_folder())
        if catalog is not None:
            _check_agreement(catalog)
        if mark is None:
            await _write(store, *MARK, {"phase": "begun"}, None)
        # Where no mark says that a fill was interrupted, it may as well be an old bus as somebody left it.
        await _bring_to(store, wanted, known, only_add=before_marks)
    await _write(store, *MARK, {"phase": "done"}, await store.latest(*MARK))


def _read(folder: Path, catalog: Path) -> _Documents:
    """Return the documents of both folders, each checked against those it refers to, in an order in which they can be stored.

    Raises:
        Refusal: `invalid-document`.
    """
    located_documents: list[tuple[str | SourceLocation, Any]] = [
        *documents.read_folder(folder),
        *((w.name, from_contract(c)) for w, c in documents.read_folder(catalog)),
    ]
    staged = RegistrySnapshot()
    for where, document in _in_order(located_documents):
        if isinstance(document, dict) and "spec" in document:
            document = {**document, "spec": with_bare_names(document.get("kind"), document["spec"], staged)}  # noqa: PLW2901
        document_rules.check(document, where, staged)
        kind = document["kind"]
        name = names.document_name(kind, document["metadata"]["name"])
        if name in staged.versions[kind]:
            raise Refusal(
                "invalid-document",
                vi=f"{where}: {kind} {name} đã có; mỗi tên chỉ được dùng một lần.",
                en=f"{where}: there is a {kind} {name} already; use each name once.",
            )
        staged.apply(DocumentVersion.of(kind, name, document["spec"], 1, 0, AUTHOR, ""))
    return {(kind, version.name): version for kind in KINDS for version in staged.versions[kind].values()}


def _check_agreement(catalog: Path) -> None:
    """Judge the documents of contracts that compile with two validators. Nothing is served yet, so nobody waits for it.

    Raises:
        Refusal: `contract-ambiguous`.
    """
    from lgsp_contracts.agreement import comparison  # noqa: PLC0415 - loads jsonschema, which later starts do not need

    for location, document in documents.read_folder(catalog):
        comparison.check(Contract.from_document(document, location), location)


async def _bring_to(store: DocumentStore, wanted: _Documents, known: _Documents, *, only_add: bool) -> None:
    """Store what is missing and, of an interrupted fill, what the folders say otherwise by now."""
    for (kind, name), version in wanted.items():
        there = known.get((kind, name))
        if there is None or (not only_add and not is_same_json(there.spec, version.spec)):
            await _write(store, kind, name, version.spec, there)
    gone = [] if only_add else [key for key, there in known.items() if key not in wanted and there.spec is not None]
    for kind, name in sorted(gone, key=lambda key: KINDS.index(key[0]), reverse=True):
        await _write(store, kind, name, None, known[kind, name])


async def _write(
    store: DocumentStore, kind: str, name: DocumentName, spec: DocumentSpec | None, before: DocumentVersion | None
) -> None:
    """Store one document, unless somebody else did."""
    with contextlib.suppress(RevisionConflict):  # another gateway was faster
        await store.write(kind, name, spec, before.revision if before else 0, AUTHOR, "")


def _phase(mark: DocumentVersion) -> str:
    return str((mark.spec or {}).get("phase", ""))


def _is_in_use(known: _Documents) -> bool:
    """Tell whether a registry without a mark has a life of its own: somebody else wrote to it, or an operator can.

    What its folders hold beyond it may have come with an upgrade, or have been deleted long ago in the wish that it stay so; an
    operator adds what is missing.
    """
    written = any(_author(version) != AUTHOR for version in known.values())
    return written or any("operator" in (version.spec or {}).get("roles", ()) for version in known.values())


def _author(version: DocumentVersion) -> str:
    metadata: Mapping[str, Any] = version.document()["metadata"]
    return str(metadata["updatedBy"])


def _in_order(located_documents: list[tuple[str | SourceLocation, Any]]) -> list[tuple[str | SourceLocation, Any]]:
    """Documents so that each comes after those it refers to; what has no known kind last, to be refused."""
    return sorted(located_documents, key=lambda pair: _rank(pair[1]))


def _rank(document: Any) -> int:
    kind = document.get("kind") if isinstance(document, dict) else None
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
