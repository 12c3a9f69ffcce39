"""Fills an empty registry from folders of documents and contracts, once.

Afterwards the registry has a life of its own, and the folders are not looked at again. Two gateways that start together
both fill it; the store lets each document in once.
"""

from pathlib import Path
from typing import Any

from lgsp_contracts import documents, names
from lgsp_contracts.places import Place
from lgsp_gateway.registry import rules
from lgsp_gateway.registry.documents import KINDS, Version, from_contract
from lgsp_gateway.registry.snapshot import Registry
from lgsp_gateway.registry.store import Store
from lgsp_problems import Refusal

AUTHOR = "bootstrap"


async def fill(store: Store, folder: Path, catalog: Path) -> None:
    """Check every document first, then store all of them.

    Raises:
        Refusal: `invalid-document`, naming file and place; then nothing was stored.
    """
    found: list[tuple[str | Place, Any]] = [
        *documents.read_folder(folder),
        *((w.name, from_contract(c)) for w, c in documents.read_folder(catalog)),
    ]
    staged = Registry()
    for where, document in _in_order(found):
        rules.check(document, where, staged)
        kind = document["kind"]
        name = names.document_name(kind, document["metadata"]["name"])
        if name in staged.versions[kind]:
            raise Refusal(
                "invalid-document",
                vi=f"{where}: {kind} {name} đã có; mỗi tên chỉ được dùng một lần.",
                en=f"{where}: there is a {kind} {name} already; use each name once.",
            )
        staged.apply(Version.of(kind, name, document["spec"], 1, 0, AUTHOR, ""))
    for kind in KINDS:
        for version in staged.versions[kind].values():
            try:
                await store.write(kind, version.name, version.spec, 0, AUTHOR, "")
            except Refusal as refusal:
                if refusal.code != "revision-conflict":  # another gateway was faster
                    raise


def _in_order(found: list[tuple[str | Place, Any]]) -> list[tuple[str | Place, Any]]:
    """Documents so that each comes after those it refers to; what has no known kind last, to be refused."""
    return sorted(found, key=lambda pair: _rank(pair[1]))


def _rank(document: Any) -> int:
    kind = document.get("kind") if isinstance(document, dict) else None
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
